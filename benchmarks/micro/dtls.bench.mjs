/**
 * What DTLS costs: a handshake in processor time of each side, and records sealed and opened.
 * Runs the built packages: `npm run build && npm run bench dtls`.
 */
import { DtlsCertificate, DtlsConnection } from "@naru/webrtc/dtls";
import { PacketArena } from "@naru/webrtc/kernel";
import { createNodePlatform } from "@naru/webrtc/node";
import { SILENT_LOGGER } from "@naru/webrtc/sansio";

const platform = createNodePlatform();
const { crypto, random } = platform;
const environment = { crypto, random, log: SILENT_LOGGER };
const arena = new PacketArena(256);
const [ours, theirs] = [0, 1].map(() =>
  DtlsCertificate.generate(crypto, random, { wallClock: platform.wallClock() }),
);
const HANDSHAKES = 200;
const RECORDS = 20_000;
const RECORD_BYTES = 1100;

/** A client and a server; each call of `run` is charged to its side. */
function handshake(options, charge) {
  let client;
  let server;
  charge(0, () => {
    client = new DtlsConnection(environment, arena, {
      ...options,
      role: "client",
      certificate: ours,
      remoteFingerprints: [theirs.fingerprint()],
    });
    client.start(0);
  });
  charge(1, () => {
    server = new DtlsConnection(environment, arena, {
      ...options,
      role: "server",
      certificate: theirs,
      remoteFingerprints: [ours.fingerprint()],
    });
  });
  for (let turn = 0; turn < 6; turn++) {
    move(client, server, (run) => charge(1, run));
    move(server, client, (run) => charge(0, run));
  }
  if (client.state !== "connected" || server.state !== "connected") throw new Error("not connected");
  return [client, server];
}

/** Everything one side has to send, to the other. */
function move(from, to, charge) {
  for (let slot = from.pollTransmit(); slot !== undefined; slot = from.pollTransmit()) {
    const bytes = slot.bytes.slice(slot.start, slot.end);
    arena.release(slot);
    charge(() => to.handleInput(bytes, 0));
  }
  while (from.pollEvent() !== undefined);
}

function processorMs() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function median(values) {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
}

function measureHandshakes(name, options) {
  const totals = [[], []];
  for (let i = 0; i < HANDSHAKES * 1.5; i++) {
    const spent = [0, 0];
    handshake(options, (side, run) => {
      const before = processorMs();
      run();
      spent[side] += processorMs() - before;
    });
    if (i < HANDSHAKES / 2) continue;
    totals[0].push(spent[0]);
    totals[1].push(spent[1]);
  }
  const [client, server] = totals.map((values) => median(values).toFixed(2));
  console.log(`${name.padEnd(36)} client ${client} ms, server ${server} ms`);
}

function measureRecords(name, options) {
  const [client, server] = handshake(options, (_side, run) => run());
  const data = new Uint8Array(RECORD_BYTES).fill(7);
  const batches = { seal: 0, open: 0 };
  for (let done = 0; done < RECORDS; done += 64) {
    const slots = [];
    let before = processorMs();
    for (let i = 0; i < 64; i++) {
      client.send(data, 0);
      slots.push(client.pollTransmit());
    }
    batches.seal += processorMs() - before;
    before = processorMs();
    for (const slot of slots) {
      server.handleInput(slot.bytes.subarray(slot.start, slot.end), 0);
      arena.release(slot);
      const event = server.pollEvent();
      arena.release(event.packet);
    }
    batches.open += processorMs() - before;
  }
  const perSecond = (ms) => Math.round((RECORDS / ms) * 1000).toLocaleString("en");
  const cost = (ms) => ((ms * 1000) / RECORDS).toFixed(1);
  console.log(
    `${name.padEnd(36)} seal ${cost(batches.seal)} µs (${perSecond(batches.seal)}/s), ` +
      `open ${cost(batches.open)} µs (${perSecond(batches.open)}/s)`,
  );
}

const V13 = { versions: ["1.3"] };
const V12 = { versions: ["1.2"] };
console.log(`Handshake, processor time of each side, median of ${HANDSHAKES}:`);
measureHandshakes("1.3, X25519MLKEM768", V13);
measureHandshakes("1.3, X25519", { ...V13, groups: ["x25519"], keyShares: ["x25519"] });
measureHandshakes("1.3, P-256", { ...V13, groups: ["secp256r1"], keyShares: ["secp256r1"] });
measureHandshakes("1.2, X25519", V12);
console.log(`\nRecords of ${RECORD_BYTES} bytes, AES-128-GCM, processor time:`);
measureRecords("1.3", V13);
measureRecords("1.2", V12);
