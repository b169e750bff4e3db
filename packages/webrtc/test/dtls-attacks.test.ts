/** What strangers on and off the path may do to a DTLS association, and peers that are not who they say they are. */
import { describe, expect, test } from "vitest";
import { fromHex } from "../src/bytes/index.ts";
import { ContentType, HandshakeType } from "../src/dtls/constants.ts";
import { writeFragmentHeader } from "../src/dtls/handshake/fragment.ts";
import { CookieSecret, DtlsCertificate, DtlsConnection, type DtlsVersion } from "../src/dtls/index.ts";
import { writeRecordHeader } from "../src/dtls/record/record.ts";
import { PacketArena } from "../src/kernel/index.ts";
import { nodeCrypto } from "../src/node/index.ts";
import { SILENT_LOGGER } from "../src/sansio/index.ts";
import { SeededRandom } from "../src/testing/index.ts";
import {
  CERTIFICATES,
  createDtlsPair,
  type DtlsPair,
  type DtlsScenario,
  drain,
  drainEvents,
  eventOf,
} from "./dtls-pair.ts";

const VERSIONS: readonly DtlsVersion[] = ["1.3", "1.2"];
const random = new SeededRandom("attacks");

/** A record in the clear. */
function plaintext(type: number, content: Uint8Array, epoch = 0, sequence = 7): Uint8Array {
  const bytes = new Uint8Array(13 + content.length);
  writeRecordHeader(bytes, 0, type, 0xfefd, epoch, sequence, content.length);
  bytes.set(content, 13);
  return bytes;
}

/** A handshake fragment in the clear. */
function forgedFragment(
  type: number,
  sequence: number,
  length: number,
  offset: number,
  size: number,
): Uint8Array {
  const content = new Uint8Array(12 + size).fill(0xab);
  writeFragmentHeader(content, 0, type, length, sequence, offset, size);
  return plaintext(ContentType.handshake, content);
}

function randomBytes(length: number, first?: number): Uint8Array {
  const bytes = random.fill(new Uint8Array(length));
  if (first !== undefined) bytes[0] = first;
  return bytes;
}

const CLOSE_NOTIFY = Uint8Array.of(1, 0);

/** Datagrams of one kind, a new one each time. */
const NONSENSE: Readonly<Record<string, () => Uint8Array>> = {
  "a fatal alert": () => plaintext(ContentType.alert, Uint8Array.of(2, 40)),
  close_notify: () => plaintext(ContentType.alert, CLOSE_NOTIFY),
  "close_notify of epoch 1": () => plaintext(ContentType.alert, CLOSE_NOTIFY, 1),
  "epoch-1 junk with high sequence numbers": () =>
    plaintext(ContentType.applicationData, randomBytes(60), 1, 2 ** 47 + random.integer(0, 1e6)),
  "epoch-2 junk": () => randomBytes(60, 0b0010_1110),
  "epoch-3 junk": () => randomBytes(60, 0b0010_1111),
  "epoch-3 junk without length": () => randomBytes(60, 0b0010_0011),
  "a connection ID": () => randomBytes(60, 0b0011_1111),
  "data in the clear": () => plaintext(ContentType.applicationData, randomBytes(30)),
  ChangeCipherSpec: () => plaintext(ContentType.changeCipherSpec, Uint8Array.of(1)),
  "an ACK in the clear": () => plaintext(ContentType.ack, fromHex(`0010${"00".repeat(16)}`)),
  "a fragment of a hello": () =>
    forgedFragment(HandshakeType.clientHello, 0, 2000, random.integer(0, 1000), 300),
  "a fragment of a ServerHello": () => forgedFragment(HandshakeType.serverHello, 0, 1174, 0, 200),
  "a fragment of a certificate": () => forgedFragment(HandshakeType.certificate, 1, 400, 0, 200),
  "fragments without content": () =>
    forgedFragment(HandshakeType.certificate, random.integer(0, 20), 30_000, 0, 0),
  "a whole message of junk": () => forgedFragment(HandshakeType.finished, random.integer(0, 8), 40, 0, 40),
  "a header alone": () => plaintext(ContentType.handshake, new Uint8Array(0)),
  "an empty datagram": () => new Uint8Array(0),
  "one byte": () => randomBytes(1),
  "random bytes": () => randomBytes(random.integer(1, 200)),
  "an unknown type": () => plaintext(64, randomBytes(20)),
  heartbeat: () => plaintext(24, Uint8Array.of(1, 0xff, 0xff)),
};

/** Sends both ways, and expects all of it to arrive. */
function expectAlive({ client, server, pair, received }: DtlsPair): void {
  expect([client.state, server.state]).toEqual(["connected", "connected"]);
  client.send(Uint8Array.of(1), pair.now());
  server.send(Uint8Array.of(2), pair.now());
  pair.advance(100);
  expect(received("b")).toEqual([Uint8Array.of(1)]);
  expect(received("a")).toEqual([Uint8Array.of(2)]);
}

describe.each(VERSIONS)("DTLS %s", (version) => {
  const options = { versions: [version] };

  test.each(Object.entries(NONSENSE))("lives through 500 datagrams of %s in a call", (_name, make) => {
    const pair = createDtlsPair({ options });
    pair.connect();
    for (let i = 0; i < 500; i++) {
      pair.pair.inject("a", make());
      pair.pair.inject("b", make());
    }
    expectAlive(pair);
    expect(pair.client.heldBytes + pair.server.heldBytes).toBe(0);
    expect(pair.arena.inUse).toBe(0);
  });

  test.each(Object.entries(NONSENSE))("connects in spite of a flood of %s", (_name, make) => {
    const pair = createDtlsPair({ options, link: { delayMs: 20 } });
    pair.client.start(0);
    // 500 a second, to both, before, during and after the handshake.
    for (let at = 0; at < 700; at += 2) {
      pair.pair.inject("a", make());
      pair.pair.inject("b", make());
      expect(pair.client.heldBytes).toBeLessThanOrEqual(2 * 65_536);
      expect(pair.server.heldBytes).toBeLessThanOrEqual(2 * 65_536);
      pair.pair.advance(2);
    }
    pair.pair.advance(3000);
    expectAlive(pair);
  });

  test("drops what it has had before, wherever it comes from", () => {
    const pair = createDtlsPair({ options });
    pair.connect();
    const record = sent(pair, Uint8Array.of(9));
    for (let i = 0; i < 10; i++) pair.pair.inject("b", record);
    expect(pair.received("b")).toEqual([Uint8Array.of(9)]);
    expect(pair.server.counters.replayed).toBe(9);
    expectAlive(pair);
  });

  test("believes a goodbye only if it is the peer's", () => {
    const pair = createDtlsPair({ options });
    pair.connect();
    pair.pair.inject("b", plaintext(ContentType.alert, CLOSE_NOTIFY));
    expect(pair.server.state).toBe("connected");
    pair.client.close();
    pair.pair.advance(100);
    expect(eventOf(pair.pair.events("b"), "closed")?.reason).toEqual({ type: "remote" });
    expect(pair.server.pollTimeout()).toBe(Number.POSITIVE_INFINITY);
  });

  test("ends when the certificate is not the one that was announced, on either side", () => {
    const wrong = [CERTIFICATES.rsa.fingerprint()];
    for (const side of ["client", "server"] as const) {
      const { client, server, pair } = createDtlsPair({ options, [side]: { remoteFingerprints: wrong } });
      client.start(0);
      pair.driveUntil(() => client.state === "closed" && server.state === "closed");
      const [own, other] = side === "client" ? (["a", "b"] as const) : (["b", "a"] as const);
      expect(eventOf(pair.events(own), "closed")?.reason).toMatchObject({
        code: "ERR_DTLS_FINGERPRINT_MISMATCH",
        by: "local",
        alert: "bad_certificate",
      });
      expect(eventOf(pair.events(own), "connected")).toBeUndefined();
      expect(eventOf(pair.events(other), "closed")?.reason).toMatchObject({ type: "failed", by: "remote" });
    }
  });

  test("ends when the peer has no certificate", () => {
    const { client, server, pair } = createDtlsPair({ options, client: { certificate: undefined } as never });
    client.start(0);
    pair.driveUntil(() => server.state === "closed");
    expect(eventOf(pair.events("b"), "closed")?.reason).toMatchObject({ code: "ERR_DTLS_NO_CERTIFICATE" });
  });

  test("ends when the peer has a certificate and not its key", () => {
    const stolen = new DtlsCertificate(nodeCrypto, CERTIFICATES.ecdsa.chain, CERTIFICATES.ecdsa2.key);
    const { client, server, pair } = createDtlsPair({
      options,
      client: { certificate: stolen },
      server: { remoteFingerprints: [CERTIFICATES.ecdsa.fingerprint()] },
    });
    client.start(0);
    pair.driveUntil(() => server.state === "closed");
    expect(eventOf(pair.events("b"), "closed")?.reason).toMatchObject({ code: "ERR_DTLS_BAD_SIGNATURE" });
    expect(eventOf(pair.events("b"), "connected")).toBeUndefined();
  });

  test("waits for the fingerprints when they come later, and keeps what was sent until then", () => {
    const scenario: DtlsScenario = { options };
    const { client, pair, server, received } = createDtlsPair(withoutFingerprints(scenario));
    client.start(0);
    pair.driveUntil(
      () => client.state === "connected" && eventOf(pair.events("b"), "certificate") !== undefined,
    );
    client.send(Uint8Array.of(1), pair.now());
    pair.advance(100);
    expect(server.state).toBe("verifying");
    expect(received("b")).toEqual([]);
    expect(() => server.send(Uint8Array.of(1), pair.now())).toThrow(/verifying/);
    expect(() => server.exportKeyingMaterial("x", undefined, 16)).toThrow(/verifying/);
    server.setRemoteFingerprints([CERTIFICATES.ecdsa.fingerprint()]);
    pair.advance(0);
    expect(server.state).toBe("connected");
    expect(received("b")).toEqual([Uint8Array.of(1)]);
  });

  test("ends when the fingerprints that come later are another's", () => {
    const { client, pair, server } = createDtlsPair(withoutFingerprints({ options }));
    client.start(0);
    pair.driveUntil(() => eventOf(pair.events("b"), "certificate") !== undefined);
    server.setRemoteFingerprints([CERTIFICATES.rsa.fingerprint()]);
    pair.advance(100);
    expect(eventOf(pair.events("b"), "closed")?.reason).toMatchObject({
      code: "ERR_DTLS_FINGERPRINT_MISMATCH",
    });
    expect(eventOf(pair.events("a"), "closed")?.reason).toMatchObject({ by: "remote" });
  });

  test("says after 30 s that nobody answered", () => {
    const { client, pair } = createDtlsPair({ options, link: { lossRate: 1 } });
    client.start(0);
    pair.driveUntil(() => client.state === "closed", 31_000);
    expect(pair.now()).toBe(30_000);
    expect(eventOf(pair.events("a"), "closed")?.reason).toMatchObject({ code: "ERR_DTLS_TIMEOUT" });
  });

  test("connects when a stranger's hello comes first, in the peer's name", () => {
    for (let i = 0; i < 10; i++) {
      const pair = createDtlsPair({ options, seed: `race-${i}`, link: { delayMs: 15, jitterMs: 10 } });
      const stranger = createDtlsPair({ options, seed: `stranger-${i}` });
      stranger.client.start(0);
      for (const bytes of drain(stranger.client)) pair.pair.inject("b", bytes);
      pair.client.start(0);
      pair.pair.advance(i * 7);
      for (const bytes of drain(stranger.client)) pair.pair.inject("b", bytes);
      pair.pair.driveUntil(
        () => pair.client.state === "connected" && pair.server.state === "connected",
        10_000,
      );
      expectAlive(pair);
    }
  });

  test("connects after a flood of hellos in the peer's name", () => {
    const pair = createDtlsPair({ options, link: { delayMs: 15 }, arenaSlots: 1024 });
    const hellos = Array.from({ length: 40 }, (_, i) => {
      const stranger = createDtlsPair({ options, seed: `flood-${i}` });
      stranger.client.start(0);
      return drain(stranger.client);
    });
    for (let i = 0; i < 300; i++) {
      if (i === 50) pair.client.start(pair.pair.now());
      for (const bytes of hellos[i % hellos.length]!) pair.pair.inject("b", bytes);
      pair.pair.advance(2);
    }
    pair.pair.driveUntil(
      () => pair.client.state === "connected" && pair.server.state === "connected",
      10_000,
    );
    expectAlive(pair);
  });
});

describe("an address that nothing has proven", () => {
  const secret = new CookieSecret(nodeCrypto, random);
  const address = Uint8Array.of(127, 0, 0, 1, 0x12, 0x34);
  const cookie = { secret, address };

  function server(): DtlsConnection {
    const environment = { crypto: nodeCrypto, random, log: SILENT_LOGGER };
    return new DtlsConnection(environment, new PacketArena(16), {
      role: "server",
      certificate: CERTIFICATES.ecdsa2,
      remoteFingerprints: [CERTIFICATES.ecdsa.fingerprint()],
      cookie,
    });
  }

  test.each(VERSIONS)("is asked for a cookie first, and then connects (%s)", (version) => {
    const pair = createDtlsPair({ options: { versions: [version] }, server: { cookie } });
    pair.connect();
    expect(pair.pair.now()).toBeCloseTo(version === "1.3" ? 5 : 6, 0);
    expectAlive(pair);
  });

  test.each(VERSIONS)(
    "costs nothing: the answer is smaller than the hello, and nothing is kept (%s)",
    (version) => {
      // Each datagram meets a server that has never heard of the client.
      const { client } = createDtlsPair({ client: { versions: [version], keyShares: ["x25519"] } });
      client.start(0);
      const hello = drain(client);
      expect(hello).toHaveLength(1);
      const first = server();
      first.handleInput(hello[0]!, 0);
      const answer = drain(first);
      expect(answer).toHaveLength(1);
      expect(answer[0]!.length).toBeLessThan(hello[0]!.length);
      expect(first.isAddressProven).toBe(false);
      client.handleInput(answer[0]!, 1);
      const second = server();
      for (const bytes of drain(client)) second.handleInput(bytes, 2);
      expect(second.isAddressProven).toBe(true);
      for (let turn = 3; turn < 10; turn++) {
        for (const bytes of drain(second)) client.handleInput(bytes, turn);
        for (const bytes of drain(client)) second.handleInput(bytes, turn);
      }
      expect([client.state, second.state]).toEqual(["connected", "connected"]);
    },
  );

  test("cannot bring another's cookie", () => {
    const { client } = createDtlsPair({ client: { versions: ["1.3"], keyShares: ["x25519"] } });
    client.start(0);
    const other = new DtlsConnection(
      { crypto: nodeCrypto, random, log: SILENT_LOGGER },
      new PacketArena(16),
      {
        role: "server",
        certificate: CERTIFICATES.ecdsa2,
        cookie: { secret, address: Uint8Array.of(127, 0, 0, 1, 0x99, 0x99) },
      },
    );
    for (const bytes of drain(client)) other.handleInput(bytes, 0);
    for (const bytes of drain(other)) client.handleInput(bytes, 1);
    const one = server();
    for (const bytes of drain(client)) one.handleInput(bytes, 2);
    expect(drain(one)).toEqual([]);
    expect(one.counters.refused).toBe(1);
    one.handleTimeout(5000);
    expect(eventOf(drainEvents(one), "closed")?.reason).toMatchObject({ code: "ERR_DTLS_BAD_COOKIE" });
  });
});

test("what a stranger sends to a connection that is over is nothing to it", () => {
  const pair = createDtlsPair();
  pair.connect();
  pair.client.close();
  pair.pair.advance(10);
  for (const make of Object.values(NONSENSE)) pair.pair.inject("a", make());
  pair.client.close();
  pair.client.handleTimeout(1e9);
  expect(pair.pair.events("a").filter((event) => event.type === "closed")).toHaveLength(1);
  expect(pair.arena.inUse).toBe(0);
});

/** The record of some data, which does not travel by itself. */
function sent({ client, pair }: DtlsPair, data: Uint8Array): Uint8Array {
  client.send(data, pair.now());
  return drain(client)[0]!;
}

/** The server is not told whom to expect. */
function withoutFingerprints(scenario: DtlsScenario): DtlsScenario {
  return { ...scenario, server: { ...scenario.server, remoteFingerprints: undefined as never } };
}
