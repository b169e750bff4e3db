/**
 * What STUN costs: decoding, an answer of the Binding server, an integrity check, and the heap that an answer takes.
 * Runs the built packages: `npm run build && npm run bench stun`.
 */
import { TransportAddress } from "@naru/webrtc/bytes";
import { PacketArena } from "@naru/webrtc/kernel";
import { createNodePlatform } from "@naru/webrtc/node";
import { SILENT_LOGGER, TimerWheel } from "@naru/webrtc/sansio";
import {
  PRIORITY,
  SOFTWARE,
  StunBindingServer,
  StunMessage,
  StunMessageBuilder,
  StunMethod,
  safeDecodeStunMessage,
  shortTermKey,
  USERNAME,
} from "@naru/webrtc/stun";
import { bench, do_not_optimize, group, run } from "mitata";

const { crypto, random } = createNodePlatform();
const id = new Uint8Array(12).fill(7);
const key = crypto.createHmac("sha-1", shortTermKey("VOkJxbRl1RmTxUk/WvJxBt"));

/** As a browser asks a STUN server. */
const bindingRequest = new StunMessageBuilder().start("request", StunMethod.binding, id).finish().slice();

/** As an ICE agent checks a pair. */
const check = new StunMessageBuilder()
  .start("request", StunMethod.binding, id)
  .add(USERNAME, "evtj:h6vY")
  .add(SOFTWARE, "bench")
  .add(PRIORITY, 0x6e00_01ff)
  .addIntegrity(key)
  .addFingerprint()
  .finish()
  .slice();

const message = new StunMessage();
const decoded = safeDecodeStunMessage(check, new StunMessage());

const from = TransportAddress.parse("192.0.2.1:32853");
const arena = new PacketArena(64);
const unlimited = { perSecond: 1e12, burst: 1e12 };
const environment = { crypto, random, log: SILENT_LOGGER };
const server = new StunBindingServer(environment, arena, unlimited);
const datagram = { bytes: bindingRequest, from, socket: 1 };

function answer() {
  server.handleInput(datagram, 0);
  arena.release(server.pollTransmit());
}

const junk = new Uint8Array(100).fill(0x80);
const builder = new StunMessageBuilder();

group("STUN", () => {
  bench("safeDecodeStunMessage, connectivity check of 84 bytes", () => safeDecodeStunMessage(check, message));
  bench("safeDecodeStunMessage, 100 bytes that are not STUN", () => safeDecodeStunMessage(junk, message));
  bench("Binding answer through the server core", answer);
  bench("checkIntegrity, HMAC-SHA1", () => decoded.checkIntegrity(key));
  bench("checkFingerprint", () => decoded.checkFingerprint());
  bench("build and sign a connectivity check", () =>
    do_not_optimize(
      builder
        .start("request", StunMethod.binding, id)
        .add(USERNAME, "evtj:h6vY")
        .add(PRIORITY, 1)
        .addIntegrity(key)
        .addFingerprint()
        .finish(),
    ),
  );
});

const wheel = new TimerWheel(0);
const entries = Array.from({ length: 10_000 }, () => ({ onDeadline: () => undefined }));
let turn = 0;

group("timer wheel", () => {
  bench("move the deadline of one of 10,000 entries", () => {
    turn++;
    wheel.arm(entries[turn % entries.length], (turn % 5000) + 100);
  });
});

await run();

console.log(`\nheap per Binding answer: ${heapPerCall(answer)} bytes`);
console.log(
  `heap per safeDecodeStunMessage: ${heapPerCall(() => safeDecodeStunMessage(check, message))} bytes`,
);
console.log(`heap per checkIntegrity: ${heapPerCall(() => decoded.checkIntegrity(key))} bytes`);

/** Bytes of JavaScript heap that one warm call allocates. */
function heapPerCall(call) {
  if (globalThis.gc === undefined) return "run with --expose-gc for the number of";
  const calls = 20_000;
  for (let i = 0; i < calls; i++) call();
  globalThis.gc();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < calls; i++) call();
  return ((process.memoryUsage().heapUsed - before) / calls).toFixed(1);
}
