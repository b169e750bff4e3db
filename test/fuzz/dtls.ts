/** What the DTLS targets share: certificates made once, and connections without the costly hybrid group. */
import type { CryptoProvider } from "@naru/webrtc/crypto";
import { DtlsCertificate, DtlsConnection, type DtlsOptions, type DtlsVersion } from "@naru/webrtc/dtls";
import { PacketArena } from "@naru/webrtc/kernel";
import { nodeCrypto } from "@naru/webrtc/node";
import { fuzzEnvironment } from "./environment.ts";

/** One arena for all runs: what a run does not give back shows soon. */
const arena = new PacketArena(256);

const CERTIFICATES = ["client", "server"].map(() =>
  DtlsCertificate.generate(nodeCrypto, fuzzEnvironment().random, { wallClock: 1_795_000_000_000 }),
);

/** The same ephemeral keys in every run: two runs behave alike, and the time goes into what is fuzzed. */
const KEYS = {
  x25519: nodeCrypto.createKeyAgreement("x25519"),
  "p-256": nodeCrypto.createKeyAgreement("p-256"),
  "p-384": nodeCrypto.createKeyAgreement("p-384"),
} as const;
const crypto: CryptoProvider = { ...nodeCrypto, createKeyAgreement: (group) => KEYS[group] };

/** A connection whose random bytes are the same in every run. */
export function createConnection(
  role: DtlsOptions["role"],
  options: Partial<DtlsOptions> = {},
): DtlsConnection {
  const certificate = CERTIFICATES[role === "client" ? 0 : 1];
  const remote = CERTIFICATES[role === "client" ? 1 : 0];
  return new DtlsConnection({ ...fuzzEnvironment(), crypto }, arena, {
    role,
    certificate,
    groups: ["x25519", "secp256r1"],
    keyShares: ["x25519"],
    srtpProfiles: ["SRTP_AEAD_AES_128_GCM"],
    remoteFingerprints: remote === undefined ? [] : [remote.fingerprint()],
    // One repetition, not the dozens that come before a handshake is given up: it costs as much as the handshake.
    handshakeTimeoutMs: 250,
    unauthenticatedGraceMs: 200,
    ...options,
  });
}

/** A client and a server that are connected. */
export function connectPair(version: DtlsVersion): readonly [DtlsConnection, DtlsConnection] {
  const client = createConnection("client", { versions: [version] });
  const server = createConnection("server", { versions: [version] });
  client.start(0);
  for (let turn = 0; turn < 10; turn++) {
    for (const bytes of settle(client)) server.handleInput(bytes, 0);
    for (const bytes of settle(server)) client.handleInput(bytes, 0);
  }
  return [client, server];
}

/**
 * Handshakes until the engine has compiled what they take: the harness measures every input, and the first ones of a
 * process would take ten times as long as all others.
 */
export function warmUp(): void {
  for (let i = 0; i < 30; i++) for (const version of ["1.3", "1.2"] as const) connectPair(version);
}

/** Takes everything a connection has put out, and checks that it holds nothing it should not. */
export function settle(connection: DtlsConnection): Uint8Array[] {
  const sent: Uint8Array[] = [];
  for (let slot = connection.pollTransmit(); slot !== undefined; slot = connection.pollTransmit()) {
    sent.push(slot.bytes.slice(slot.start, slot.end));
    slot.arena.release(slot);
  }
  for (let event = connection.pollEvent(); event !== undefined; event = connection.pollEvent()) {
    if (event.type === "data") event.packet.arena.release(event.packet);
  }
  if (connection.heldBytes > 2 * 65_536) throw new Error(`${connection.heldBytes} bytes are held`);
  if (arena.inUse > 0) throw new Error(`${arena.inUse} packets were not given back`);
  return sent;
}

/** Lets time pass until the connection has no more to do; it must come to an end. */
export function runOut(connection: DtlsConnection): void {
  for (let steps = 0; connection.pollTimeout() !== Number.POSITIVE_INFINITY; steps++) {
    if (steps > 1000) throw new Error(`the connection is ${connection.state} after 1000 timeouts`);
    connection.handleTimeout(connection.pollTimeout());
    settle(connection);
  }
}
