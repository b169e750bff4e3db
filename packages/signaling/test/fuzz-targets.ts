/**
 * Targets for the fuzz runner. Each takes any bytes and returns; an exception is a finding.
 */
import { MAX_MESSAGE_BYTES } from "../src/protocol/index.ts";
import { parseClientMessage } from "../src/validate/messages.ts";
import { parseSnapshot } from "../src/validate/snapshot.ts";
import { CoreWorld } from "./core-harness.ts";

const decoder = new TextDecoder();

/** Reads one message as the server does. */
export function fuzzClientMessage(bytes: Uint8Array): void {
  if (bytes.length <= MAX_MESSAGE_BYTES) parseClientMessage(decoder.decode(bytes));
}

/**
 * Plays a whole history on the core: each line is one message, its first character names the connection (a to d);
 * `!` closes the connection, and a number lets that many tenths of a second pass. `$I` and `$S` in a line stand for
 * the id and the session that were handed out last, which no fuzzer would guess.
 */
export function fuzzRooms(bytes: Uint8Array): void {
  const world = new CoreWorld({ maxParticipants: 3, maxKnocking: 2, maxRooms: 3 });
  const connections = new Map<string, number>();
  let id = "";
  let session = "";
  for (const line of decoder.decode(bytes).split("\n").slice(0, 200)) {
    const tenths = /^\d{1,3}$/.exec(line)?.[0];
    if (tenths !== undefined) world.advance(Number(tenths) * 100);
    const name = line.slice(0, 1);
    if (!/[a-d]/.test(name)) continue;
    const connection = connections.get(name) ?? world.open();
    connections.set(name, connection);
    const text = line.slice(1).replaceAll("$I", id).replaceAll("$S", session);
    if (text === "!") {
      world.close(connection);
      connections.delete(name);
      continue;
    }
    const parsed = parseClientMessage(text);
    if (!parsed.isValid) continue;
    world.send(connection, parsed.message);
    for (const message of world.take(connection)) {
      if (message.type === "joined") ({ self: id, session } = message);
      if (message.type === "knocking") id = message.knocking[0]?.id ?? id;
    }
    if (world.wire(connection).closed !== undefined) connections.delete(name);
  }
  // Whatever happened, the state can be saved and read back.
  new CoreWorld({}, parseSnapshot(JSON.parse(JSON.stringify(world.registry.snapshot()))).snapshot);
}
