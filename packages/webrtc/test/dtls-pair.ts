/** Two DTLS connections back to back, for the scenarios. */
import {
  DtlsCertificate,
  DtlsConnection,
  type DtlsEvent,
  type DtlsOptions,
  type SrtpProfile,
} from "../src/dtls/index.ts";
import { PacketArena, type PacketSlot } from "../src/kernel/index.ts";
import { nodeCrypto } from "../src/node/index.ts";
import { SILENT_LOGGER } from "../src/sansio/index.ts";
import { type LinkOptions, Pair, SeededRandom } from "../src/testing/index.ts";

const WALL_CLOCK = 1_795_000_000_000;

/** Made once: an RSA key takes a tenth of a second. */
export const CERTIFICATES: Readonly<Record<"ecdsa" | "ecdsa2" | "rsa", DtlsCertificate>> = {
  ecdsa: makeCertificate("ecdsa-p256"),
  ecdsa2: makeCertificate("ecdsa-p256"),
  rsa: makeCertificate("rsa-2048"),
};

export const PROFILES: readonly SrtpProfile[] = ["SRTP_AES128_CM_HMAC_SHA1_80", "SRTP_AEAD_AES_128_GCM"];

/** What a scenario is about. */
export interface DtlsScenario {
  readonly seed?: string | number;
  readonly link?: LinkOptions;
  /** For both. */
  readonly options?: Partial<DtlsOptions>;
  readonly client?: Partial<DtlsOptions>;
  readonly server?: Partial<DtlsOptions>;
  readonly arenaSlots?: number;
}

/** A client and a server, not started. */
export interface DtlsPair {
  readonly client: DtlsConnection;
  readonly server: DtlsConnection;
  /** a is the client. */
  readonly pair: Pair<Uint8Array, PacketSlot, DtlsEvent>;
  readonly arena: PacketArena;
  /** What arrived, in order. */
  received(side: "a" | "b"): Uint8Array[];
  /** Runs until both are connected. */
  connect(limitMs?: number): void;
}

export function createDtlsPair(scenario: DtlsScenario = {}): DtlsPair {
  const { seed = 1, link, options, arenaSlots = 256 } = scenario;
  const random = new SeededRandom(seed);
  const environment = { crypto: nodeCrypto, random, log: SILENT_LOGGER };
  const arena = new PacketArena(arenaSlots);
  const clientCertificate = scenario.client?.certificate ?? CERTIFICATES.ecdsa;
  const serverCertificate = scenario.server?.certificate ?? CERTIFICATES.ecdsa2;
  const client = new DtlsConnection(environment, arena, {
    role: "client",
    certificate: clientCertificate,
    remoteFingerprints: [serverCertificate.fingerprint()],
    srtpProfiles: PROFILES,
    ...options,
    ...scenario.client,
  });
  const server = new DtlsConnection(environment, arena, {
    role: "server",
    certificate: serverCertificate,
    remoteFingerprints: [clientCertificate.fingerprint()],
    srtpProfiles: PROFILES,
    ...options,
    ...scenario.server,
  });
  const pair = new Pair<Uint8Array, PacketSlot, DtlsEvent>(client, server, {
    seed,
    ...(link === undefined ? {} : { link }),
    bytesOf: bytesOfSlot,
    toInput: (bytes) => bytes,
  });
  return {
    client,
    server,
    pair,
    arena,
    received: (side) => takeData(pair.events(side)),
    connect(limitMs = 30_000) {
      client.start(pair.now());
      pair.driveUntil(() => client.state === "connected" && server.state === "connected", limitMs);
    },
  };
}

/** The bytes of a slot, which is given back. */
export function bytesOfSlot(slot: PacketSlot): Uint8Array {
  const bytes = slot.bytes.slice(slot.start, slot.end);
  slot.arena.release(slot);
  return bytes;
}

/** Takes the data out of a list of events. */
export function takeData(events: DtlsEvent[]): Uint8Array[] {
  const data: Uint8Array[] = [];
  for (let i = 0; i < events.length; ) {
    const event = events[i]!;
    if (event.type !== "data") {
      i++;
      continue;
    }
    data.push(bytesOfSlot(event.packet));
    events.splice(i, 1);
  }
  return data;
}

/** The one event of a type. */
export function eventOf<Type extends DtlsEvent["type"]>(
  events: readonly DtlsEvent[],
  type: Type,
): Extract<DtlsEvent, { type: Type }> | undefined {
  return events.find((event): event is Extract<DtlsEvent, { type: Type }> => event.type === type);
}

/** Everything a connection wants to send, given back to the arena. */
export function drain(connection: DtlsConnection): Uint8Array[] {
  const sent: Uint8Array[] = [];
  for (let slot = connection.pollTransmit(); slot !== undefined; slot = connection.pollTransmit()) {
    sent.push(bytesOfSlot(slot));
  }
  return sent;
}

/** Every event of a connection so far. */
export function drainEvents(connection: DtlsConnection): DtlsEvent[] {
  const events: DtlsEvent[] = [];
  for (let event = connection.pollEvent(); event !== undefined; event = connection.pollEvent()) {
    events.push(event);
  }
  return events;
}

function makeCertificate(algorithm: "ecdsa-p256" | "rsa-2048"): DtlsCertificate {
  const random = new SeededRandom(algorithm);
  return DtlsCertificate.generate(nodeCrypto, random, { wallClock: WALL_CLOCK }, algorithm);
}
