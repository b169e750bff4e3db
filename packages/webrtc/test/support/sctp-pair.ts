/** Two associations, or two tables of channels, on one link in virtual time. */

import type { DataChannelEvent } from "../../src/datachannel/index.ts";
import { DataChannelTable, type DataChannelTableOptions } from "../../src/datachannel/index.ts";
import { PacketArena, type PacketSlot } from "../../src/kernel/index.ts";
import { nodeCrypto } from "../../src/node/index.ts";
import { type Environment, SILENT_LOGGER } from "../../src/sansio/index.ts";
import {
  SctpAssociation,
  type SctpEvent,
  type SctpMessageEvent,
  type SctpOptions,
} from "../../src/sctp/index.ts";
import { type LinkOptions, Pair, SeededRandom } from "../../src/testing/index.ts";

/** IPv4, UDP and DTLS. */
const OVERHEAD_BYTES = 28 + 37;

export function sctpEnvironment(seed: string): Environment<typeof nodeCrypto> {
  return { crypto: nodeCrypto, random: new SeededRandom(seed), log: SILENT_LOGGER };
}

/** The bytes of a packet; its slot is given back. */
export function takePacket(slot: PacketSlot): Uint8Array {
  const bytes = slot.bytes.slice(slot.start, slot.end);
  slot.arena.release(slot);
  return bytes;
}

export interface SctpPairOptions {
  readonly seed?: string;
  readonly link?: LinkOptions;
  readonly a?: Partial<SctpOptions>;
  readonly z?: Partial<SctpOptions>;
}

export interface SctpPair {
  readonly a: SctpAssociation;
  readonly z: SctpAssociation;
  readonly pair: Pair<Uint8Array, PacketSlot, SctpEvent>;
  readonly arena: PacketArena;
}

/** Two associations that have not been started. */
export function createSctpPair(options: SctpPairOptions = {}): SctpPair {
  const { seed = "sctp", link } = options;
  const arena = new PacketArena(512);
  const a = new SctpAssociation(sctpEnvironment(`${seed}/a`), arena, options.a);
  const z = new SctpAssociation(sctpEnvironment(`${seed}/z`), arena, options.z);
  const pair = new Pair<Uint8Array, PacketSlot, SctpEvent>(a, z, {
    seed,
    ...(link !== undefined && { link }),
    bytesOf: takePacket,
    toInput: (bytes) => bytes,
    overheadBytes: OVERHEAD_BYTES,
    describer: (bytes) => describeSctp(bytes),
  });
  return { a, z, pair, arena };
}

/** Two associations that are established, as WebRTC does it: both start. */
export function connectSctpPair(options: SctpPairOptions = {}): SctpPair {
  const made = createSctpPair(options);
  made.a.connect(made.pair.now());
  made.z.connect(made.pair.now());
  made.pair.driveUntil(() => made.a.state === "established" && made.z.state === "established", 120_000);
  return made;
}

/** Takes the messages out of a list of events. */
export function takeMessages(events: SctpEvent[]): SctpMessageEvent[] {
  const messages = events.filter((event) => event.type === "message");
  const others = events.filter((event) => event.type !== "message");
  events.length = 0;
  events.push(...others);
  return messages;
}

const CHUNK_NAMES: Readonly<Record<number, string>> = {
  0: "DATA",
  1: "INIT",
  2: "INIT ACK",
  3: "SACK",
  4: "HEARTBEAT",
  5: "HEARTBEAT ACK",
  6: "ABORT",
  7: "SHUTDOWN",
  8: "SHUTDOWN ACK",
  9: "ERROR",
  10: "COOKIE ECHO",
  11: "COOKIE ACK",
  14: "SHUTDOWN COMPLETE",
  64: "I-DATA",
  130: "RE-CONFIG",
  132: "PAD",
  192: "FORWARD TSN",
  194: "I-FORWARD-TSN",
};

/** The chunks of a packet by name. */
export function chunkNames(bytes: Uint8Array): string[] {
  const names: string[] = [];
  for (let offset = 12; offset + 4 <= bytes.length; ) {
    const length = (bytes[offset + 2]! << 8) | bytes[offset + 3]!;
    names.push(CHUNK_NAMES[bytes[offset]!] ?? `chunk ${bytes[offset]}`);
    if (length < 4) break;
    offset += (length + 3) & ~3;
  }
  return names;
}

function describeSctp(bytes: Uint8Array): string {
  return chunkNames(bytes).join(", ");
}

export interface ChannelPair {
  readonly a: DataChannelTable;
  readonly z: DataChannelTable;
  readonly pair: Pair<Uint8Array, PacketSlot, DataChannelEvent>;
}

/** Two tables; `a` is the DTLS client. */
export function createChannelPair(
  options: {
    readonly seed?: string;
    readonly link?: LinkOptions;
    readonly a?: DataChannelTableOptions;
    readonly z?: DataChannelTableOptions;
  } = {},
): ChannelPair {
  const { seed = "channels", link } = options;
  const arena = new PacketArena(512);
  const a = new DataChannelTable(sctpEnvironment(`${seed}/a`), arena, options.a);
  const z = new DataChannelTable(sctpEnvironment(`${seed}/z`), arena, options.z);
  const pair = new Pair<Uint8Array, PacketSlot, DataChannelEvent>(a, z, {
    seed,
    ...(link !== undefined && { link }),
    bytesOf: takePacket,
    toInput: (bytes) => bytes,
    overheadBytes: OVERHEAD_BYTES,
    describer: (bytes) => describeSctp(bytes),
  });
  return { a, z, pair };
}

/** Two tables whose association is established. */
export function connectChannelPair(options: Parameters<typeof createChannelPair>[0] = {}): ChannelPair {
  const made = createChannelPair(options);
  made.a.connect("client", made.pair.now());
  made.z.connect("server", made.pair.now());
  made.pair.driveUntil(
    () => made.a.association.state === "established" && made.z.association.state === "established",
    120_000,
  );
  return made;
}
