import { TransportAddress } from "@naru/webrtc/bytes";
import { PacketArena } from "@naru/webrtc/kernel";
import { StunBindingServer } from "@naru/webrtc/stun";
import { datagrams, fuzzEnvironment } from "../environment.ts";

const FROM = ["192.0.2.1:3478", "[2001:db8::1]:3478"].flatMap((text) => TransportAddress.parse(text) ?? []);
/** What any answer to somebody unknown may be larger than his question. */
const MAX_AMPLIFICATION = 3.6;

const arena = new PacketArena(8);
const server = new StunBindingServer(fuzzEnvironment(), arena);
let now = 0;

/** Several datagrams to the Binding server: no answer is much larger than its question, and no slot is lost. */
export function target(bytes: Uint8Array): void {
  now += 10_000; // Long enough that the limit on answers to one address, its only state, has recovered.
  for (const datagram of datagrams(bytes)) {
    const from = FROM[now % FROM.length];
    if (from === undefined) throw new Error("no address to send from");
    server.handleInput({ bytes: datagram, from, socket: 0 }, now++);
    for (let slot = server.pollTransmit(); slot !== undefined; slot = server.pollTransmit()) {
      const size = slot.end - slot.start;
      if (slot.to !== from) throw new Error("an answer to somebody else");
      if (size > datagram.length * MAX_AMPLIFICATION)
        throw new Error(`${size} bytes answer ${datagram.length}`);
      arena.release(slot);
    }
  }
  if (arena.inUse !== 0) throw new Error("a slot was not given back");
}
