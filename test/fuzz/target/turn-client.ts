import { type IpAddress, TransportAddress } from "@naru/webrtc/bytes";
import { PacketArena } from "@naru/webrtc/kernel";
import { StunMethod } from "@naru/webrtc/stun";
import { type RelayedData, TurnAllocation, TurnTcpAllocation } from "@naru/webrtc/turn";
import { datagrams, fuzzEnvironment } from "../environment.ts";

const server = address("192.0.2.1:3478");
const PEERS = [address("203.0.113.5:6000"), address("[2001:db8::5]:6000"), address("198.51.100.9:9")];
const IPS: readonly IpAddress[] = PEERS.map(({ ip }) => ip);
const credentials = { username: "user", password: "password" };
const arena = new PacketArena(32, 256);
/** An Allocate request and others under way; a server's answers to more than these are repetitions. */
const MAX_REMEMBERED = 16;
/** Two thousand timers within an hour would be a core that is never at rest. */
const MAX_TIMEOUTS = 2_000;
const DATA = new Uint8Array(32);

/**
 * What a hostile server could say to both kinds of allocation, under the transaction ids of their requests: whatever it
 * is, every slot is given back and each allocation comes to one end.
 */
export function target(bytes: Uint8Array): void {
  const frames = datagrams(bytes);
  const relaying = new TurnAllocation(fuzzEnvironment(), {
    server,
    transport: "udp",
    credentials,
    family: "both",
    packetsBeforeChannel: 1,
  });
  run(relaying, frames, (now) => {
    if (relaying.state !== "allocated") return;
    relaying.permit(IPS, now);
    for (const peer of PEERS) {
      relaying.send(peer, DATA, now);
      const slot = arena.acquire(56);
      if (slot === undefined) throw new Error("a slot was not given back");
      slot.end = slot.start + DATA.length;
      relaying.sendSlot(peer, slot, now);
    }
  });
  if (arena.inUse !== 0) throw new Error(`${arena.inUse} slots were not given back`);

  const connecting = new TurnTcpAllocation(fuzzEnvironment(), { server, transport: "tcp", credentials });
  let connects = 0;
  run(connecting, frames, (now) => {
    if (connecting.state !== "allocated" || connects++ > 0) return;
    connecting.permit(IPS, now);
    connecting.connect(address("203.0.113.5:6000"), now);
  });
}

type Core = TurnAllocation | TurnTcpAllocation;

function run(core: Core, frames: readonly Uint8Array[], act: (now: number) => void): void {
  const sent: Uint8Array[] = [];
  const sockets: number[] = [];
  let ends = 0;
  const drain = (now: number): void => {
    for (;;) {
      const transmit = core.pollTransmit();
      if (transmit !== undefined) {
        if ("arena" in transmit) transmit.arena.release(transmit);
        else if (sent.push(transmit.bytes) > MAX_REMEMBERED) sent.shift();
        continue;
      }
      const event = core.pollEvent();
      if (event === undefined) return;
      if (event.type === "closed") ends++;
      if (event.type === "connectionAttempt" && core instanceof TurnTcpAllocation)
        core.accept(event.attempt, now);
      if (event.type !== "connect") continue;
      const socket = sockets.length + 1;
      sockets.push(socket);
      core.handleConnected(event.id, socket, now);
    }
  };
  core.allocate(0);
  drain(0);
  for (const [i, frame] of frames.entries()) {
    const answer = frame.slice();
    // Two bytes of its id choose which request and which connection it answers; zero is the last one.
    const request = sent.at(-1 - ((frame[8] ?? 0) % Math.max(sent.length, 1)));
    if (request !== undefined && isAnswer(answer)) answer.set(request.subarray(4, 20), 4);
    const socket = sockets.at(-1 - ((frame[9] ?? 0) % Math.max(sockets.length, 1))) ?? 0;
    const input = { bytes: answer, from: core.server, socket };
    if (core instanceof TurnAllocation && i % 2 === 0) check(core.receive(input, i), answer);
    else core.handleInput(input, i);
    drain(i);
    act(i);
    drain(i);
  }
  core.close(frames.length);
  drain(frames.length);
  let timeouts = 0;
  for (let now = core.pollTimeout(); now < 3_600_000; now = core.pollTimeout()) {
    core.handleTimeout(now);
    drain(now);
    if (++timeouts > MAX_TIMEOUTS) throw new Error(`the core is not at rest at ${now}`);
  }
  if (ends !== 1) throw new Error(`one allocation ended ${ends} times`);
}

/** Data lies in what was received, and nowhere else. */
function check(data: RelayedData | undefined, input: Uint8Array): void {
  if (data === undefined) return;
  const start = data.bytes.byteOffset - input.byteOffset;
  const isInside =
    data.bytes.buffer === input.buffer && start >= 4 && start + data.bytes.length <= input.length;
  if (!isInside) throw new Error("data from outside of the input");
}

function isAnswer(bytes: Uint8Array): boolean {
  return bytes.length >= 20 && bytes[0] === 0x01 && (bytes[1] ?? 0) % 16 <= StunMethod.connectionBind;
}

function address(text: string): TransportAddress {
  const parsed = TransportAddress.parse(text);
  if (parsed === undefined) throw new Error(`"${text}" is no address`);
  return parsed;
}
