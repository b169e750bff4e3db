import { DataChannelTable } from "@naru/webrtc/datachannel";
import { PacketArena } from "@naru/webrtc/kernel";
import { SctpAssociation } from "@naru/webrtc/sctp";
import { datagrams, fuzzEnvironment } from "../environment.ts";

const arena = new PacketArena(256);
/** The peer's INIT, and the tag that packets to us carry: the same every time, as chance is. */
const remoteInit = new SctpAssociation(fuzzEnvironment(), arena).localInit;
const HEADER = Uint8Array.of(0x13, 0x88, 0x13, 0x88, ...remoteInit.subarray(4, 8), 0, 0, 0, 0);

/**
 * Chunks of a peer that DTLS has let through, to data channels that are connected: it goes on or it ends, within bounds, and
 * every slot comes back.
 */
export function target(bytes: Uint8Array): void {
  const table = new DataChannelTable(fuzzEnvironment(), arena, {
    maxMessageBytes: 100_000,
    maxReassemblyBytes: 300_000,
    receiveWindowBytes: 100_000,
  });
  table.establish("client", remoteInit, 0);
  const channel = table.open({ label: "fuzz", maxRetransmits: 1 }, 0);
  for (let i = 0; i < 4; i++) table.send(channel, new Uint8Array(2_000), false, 0);
  let now = 1;
  drain(table);
  for (const chunks of datagrams(bytes)) {
    const packet = new Uint8Array(HEADER.length + chunks.length);
    packet.set(HEADER);
    packet.set(chunks, HEADER.length);
    now += 5;
    table.handleInput(packet, now);
    drain(table);
  }
  for (let turns = 0; turns < 20; turns++) {
    const at = table.pollTimeout();
    if (at === Number.POSITIVE_INFINITY) break;
    if (Number.isNaN(at)) throw new Error("a timer is due at no time");
    now = Math.max(now, at);
    table.handleTimeout(now);
    drain(table);
  }
  table.disconnect(now);
  drain(table);
  if (!table.association.isClosed) throw new Error("it did not end");
  if (table.channels.length > 0) throw new Error("channels are left");
  if (arena.inUse > 0) throw new Error("slots are left");
}

function drain(table: DataChannelTable): void {
  let packets = 0;
  for (let slot = table.pollTransmit(); slot; slot = table.pollTransmit()) {
    if (slot.end - slot.start > 1_404 || ++packets > 1_000)
      throw new Error("a packet too large, or too many");
    arena.release(slot);
  }
  while (table.pollEvent() !== undefined);
}
