/**
 * What SCTP costs: sender and receiver back to back in memory, in CPU for each packet and in MB/s, without network, DTLS
 * or checksums (which both sides agree to leave out); and the checksum by itself.
 * Runs the built packages: `npm run build && npm run bench sctp`.
 */
import { crc32c, PacketArena } from "@naru/webrtc/kernel";
import { createNodePlatform } from "@naru/webrtc/node";
import { SILENT_LOGGER } from "@naru/webrtc/sansio";
import { SctpAssociation } from "@naru/webrtc/sctp";
import { bench, do_not_optimize, group, run } from "mitata";

const { crypto, random } = createNodePlatform();
const environment = { crypto, random, log: SILENT_LOGGER };
const arena = new PacketArena(4096);
const packet = new Uint8Array(1200).fill(7);

group("SCTP", () => {
  bench("CRC-32c of 1200 bytes", () => do_not_optimize(crc32c(packet)));
});
await run();

console.log(
  "\nmessages      sender µs/packet   receiver µs/packet   MB/s (one thread, both sides)   messages/s",
);
for (const [size, megabytes] of [
  [64, 16],
  [1024, 100],
  [16_384, 300],
  [65_536, 300],
  [1_048_576, 300],
]) {
  transfer(size, 20);
  const { sender, receiver, packets, seconds, messages, bytes } = transfer(size, megabytes);
  console.log(
    `${String(size).padStart(8)} B ${((sender / packets) * 1000).toFixed(2).padStart(14)} ${((receiver / packets) * 1000).toFixed(2).padStart(20)} ${(bytes / 1e6 / seconds).toFixed(0).padStart(20)} ${Math.round(
      messages / seconds,
    )
      .toLocaleString("en")
      .padStart(30)}`,
  );
}

/** Moves so many megabytes from one association to another, in batches as a socket would bring them. */
function transfer(size, megabytes) {
  const a = new SctpAssociation(environment, arena, { maxPacketBytes: 1180 });
  const z = new SctpAssociation(environment, arena, { maxPacketBytes: 1180 });
  a.establish(z.localInit, 0);
  z.establish(a.localInit, 0);
  const count = Math.ceil((megabytes * 1e6) / size);
  const batch = [];
  let now = 1;
  let sent = 0;
  let received = 0;
  let packets = 0;
  let sender = 0;
  let receiver = 0;
  const started = performance.now();
  while (received < count) {
    now += 0.1;
    let from = performance.now();
    while (sent < count && a.bufferedBytes < 1_000_000) {
      a.send(1, 53, new Uint8Array(size), undefined, now);
      sent++;
    }
    for (let slot = a.pollTransmit(); slot; slot = batch.length < 64 ? a.pollTransmit() : undefined)
      batch.push(slot);
    packets += batch.length;
    let to = performance.now();
    sender += to - from;
    for (const slot of batch) {
      z.handleInput(slot.bytes.subarray(slot.start, slot.end), now);
      arena.release(slot);
    }
    batch.length = 0;
    for (let event = z.pollEvent(); event; event = z.pollEvent()) if (event.type === "message") received++;
    for (let slot = z.pollTransmit(); slot; slot = z.pollTransmit()) batch.push(slot);
    from = performance.now();
    receiver += from - to;
    for (const slot of batch) {
      a.handleInput(slot.bytes.subarray(slot.start, slot.end), now);
      arena.release(slot);
    }
    batch.length = 0;
    while (a.pollEvent());
    if (a.pollTimeout() <= now) a.handleTimeout(now);
    if (z.pollTimeout() <= now) z.handleTimeout(now);
    to = performance.now();
    sender += to - from;
  }
  return {
    sender,
    receiver,
    packets,
    seconds: (performance.now() - started) / 1000,
    messages: count,
    bytes: count * size,
  };
}
