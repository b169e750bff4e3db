import { PacketArena } from "@naru/webrtc/kernel";
import { SctpAssociation } from "@naru/webrtc/sctp";
import { datagrams, fuzzEnvironment } from "../environment.ts";

const arena = new PacketArena(64);

/** Packets to an association that is being set up, or to one that waits: whatever they say, it comes to an end. */
export function target(bytes: Uint8Array): void {
  const association = new SctpAssociation(fuzzEnvironment(), arena, { maxInitRetransmissions: 2 });
  if (bytes.length % 2 === 0) association.connect(0);
  drain(association);
  let now = 1;
  for (const packet of datagrams(bytes)) {
    // Checksums would stop nearly all; zero is taken.
    if (packet.length >= 12) packet.fill(0, 8, 12);
    association.handleInput(packet, now++);
    drain(association);
  }
  for (let turns = 0; turns < 20 && association.pollTimeout() < 1e9; turns++) {
    now = Math.max(now, association.pollTimeout());
    association.handleTimeout(now);
    drain(association);
  }
  association.close(now);
  drain(association);
  if (!association.isClosed) throw new Error("it did not end");
  if (arena.inUse > 0) throw new Error("slots are left");
}

function drain(association: SctpAssociation): void {
  for (let slot = association.pollTransmit(); slot; slot = association.pollTransmit()) arena.release(slot);
  while (association.pollEvent() !== undefined);
}
