/** What Chromium and Firefox really send, byte by byte, and in every order it may arrive in. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "../src/bytes/index.ts";
import { ExtensionType } from "../src/dtls/constants.ts";
import {
  decodeKeyShare,
  decodeKeyShares,
  decodeUint16,
  decodeUint16List,
  decodeUseSrtp,
  decodeVersions,
} from "../src/dtls/handshake/extensions.ts";
import {
  decodeFragment,
  HANDSHAKE_HEADER_BYTES,
  type HandshakeFragment,
} from "../src/dtls/handshake/fragment.ts";
import { decodeClientHello, decodeServerHello, encodeClientHello } from "../src/dtls/handshake/hello.ts";
import { Reassembler } from "../src/dtls/handshake/reassembler.ts";
import { DtlsConnection, type DtlsOptions } from "../src/dtls/index.ts";
import { RecordLayer } from "../src/dtls/record/record-layer.ts";
import { PacketArena } from "../src/kernel/index.ts";
import { nodeCrypto } from "../src/node/index.ts";
import { SILENT_LOGGER } from "../src/sansio/index.ts";
import { SeededRandom } from "../src/testing/index.ts";
import { CERTIFICATES, drain, drainEvents, PROFILES } from "./dtls-pair.ts";

interface Capture {
  readonly client: readonly Uint8Array[];
  readonly server: readonly Uint8Array[];
}

function readCapture(browser: string): Capture {
  const text = readFileSync(new URL(`fixtures/dtls/${browser}.txt`, import.meta.url), "utf8");
  const lines = text.trim().split("\n");
  const from = (side: string): Uint8Array[] =>
    lines.filter((line) => line.startsWith(side)).map((line) => fromHex(line.slice(2)));
  return { client: from(">"), server: from("<") };
}

/** The fragments in the clear of a datagram. */
function fragmentsOf(datagram: Uint8Array): HandshakeFragment[] {
  const layer = new RecordLayer(new PacketArena(2));
  const fragments: HandshakeFragment[] = [];
  layer.begin(datagram);
  for (let record = layer.next(); record !== undefined; record = layer.next()) {
    if (record.type !== 22 || record.epoch !== 0) continue;
    for (let offset = record.start; offset < record.end; ) {
      const fragment = decodeFragment(record.bytes, offset, record.end);
      if (fragment === undefined) throw new Error("the capture holds no such fragment");
      fragments.push(fragment);
      offset += HANDSHAKE_HEADER_BYTES + fragment.data.length;
    }
  }
  return fragments;
}

function reassemble(fragments: readonly HandshakeFragment[]): Uint8Array {
  const reassembler = new Reassembler();
  for (const fragment of fragments) reassembler.add(fragment, 0);
  const message = reassembler.take();
  if (message === undefined) throw new Error("the message is not complete");
  return message.body;
}

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length <= 1) return [[...items]];
  return items.flatMap((item, i) =>
    permutations(items.filter((_, j) => j !== i)).map((rest) => [item, ...rest]),
  );
}

const BROWSERS = [
  {
    name: "chromium",
    length: 1413,
    versions: [0xfefc, 0xfefd],
    groups: [0x11ec, 29, 23, 24],
    suites: ["1301", "1302", "1303", "c02b", "c02f", "cca9"],
    srtp: [1, 8, 7],
    alpn: false,
  },
  {
    name: "firefox",
    length: 1461,
    versions: [0xfefc, 0xfefd, 0x0303],
    groups: [0x11ec, 29, 23, 24, 256, 257],
    suites: ["1301", "1303", "c02b", "c02f", "cca9"],
    srtp: [7, 8, 1, 2],
    alpn: true,
  },
] as const;

describe.each(BROWSERS)("$name", (browser) => {
  const capture = readCapture(browser.name);
  const helloDatagrams = capture.client.slice(0, 2);
  const fragments = helloDatagrams.flatMap(fragmentsOf);
  const body = reassemble(fragments);
  const hello = decodeClientHello(body);

  test("offers what it is known to offer", () => {
    const { extensions } = hello;
    expect(body.length).toBe(browser.length);
    expect(hello.version).toBe(0xfefd);
    expect(hello.sessionId).toHaveLength(0);
    expect(hello.cookie).toHaveLength(0);
    expect([...hello.compressionMethods]).toEqual([0]);
    const suites = hello.cipherSuites.map((suite) => suite.toString(16));
    expect(suites).toEqual(expect.arrayContaining([...browser.suites]));
    expect(decodeVersions(extensions.get(ExtensionType.supportedVersions))).toEqual(browser.versions);
    expect(decodeUint16List(extensions.get(ExtensionType.supportedGroups), "groups")).toEqual(browser.groups);
    expect(decodeUseSrtp(extensions.get(ExtensionType.useSrtp)!)).toEqual(browser.srtp);
    const shares = decodeKeyShares(extensions.get(ExtensionType.keyShare));
    expect(shares.map(({ group, key }) => [group, key.length])).toEqual([
      [0x11ec, 1216],
      [29, 32],
    ]);
    expect(extensions.has(ExtensionType.extendedMasterSecret)).toBe(true);
    expect(extensions.has(16)).toBe(browser.alpn);
  });

  test("writes a ClientHello that is written the same here, byte by byte", () => {
    expect(toHex(encodeClientHello(hello))).toBe(toHex(body));
  });

  test("is understood whatever order the pieces come in, cut and overlapping further", () => {
    // The fragments as they are, and each cut again with an overlap.
    const more = fragments.flatMap((fragment) => {
      const middle = Math.floor(fragment.data.length / 2);
      return [
        { ...fragment, data: fragment.data.subarray(0, middle + 5) },
        { ...fragment, offset: fragment.offset + middle, data: fragment.data.subarray(middle) },
      ];
    });
    expect(fragments.length).toBeGreaterThanOrEqual(2);
    for (const order of permutations(fragments)) expect(reassemble(order)).toEqual(body);
    for (const order of permutations(more.slice(0, 6))) {
      expect(reassemble([...order, ...more.slice(6)])).toEqual(body);
    }
  });

  test("answers with a ServerHello of 1.3 and the hybrid group", () => {
    const answer = decodeServerHello(reassemble(fragmentsOf(capture.server[0]!)));
    expect(decodeUint16(answer.extensions.get(ExtensionType.supportedVersions)!, "version")).toBe(0xfefc);
    const share = decodeKeyShare(answer.extensions.get(ExtensionType.keyShare)!);
    expect([share.group, share.key.length]).toEqual([0x11ec, 1120]);
    expect(answer.cipherSuite).toBe(0x1301);
    expect(answer.sessionId).toHaveLength(0);
  });

  test.each([
    ["in order", [0, 1]],
    ["swapped", [1, 0]],
    ["with the first twice", [0, 0, 1]],
  ] as const)("is answered with the hybrid group once its hello is whole: %s", (_name, order) => {
    const server = createServer();
    const answered = order.map((index) => {
      server.handleInput(helloDatagrams[index]!, 0);
      return drain(server);
    });
    // Nothing before the last piece, all of the flight after it.
    for (const nothing of answered.slice(0, -1)) expect(nothing).toEqual([]);
    const flight = answered.at(-1)!;
    expect(flight.length).toBeGreaterThanOrEqual(2);
    const chosen = decodeServerHello(reassemble(flight.flatMap(fragmentsOf)));
    expect(decodeKeyShare(chosen.extensions.get(ExtensionType.keyShare)!).group).toBe(0x11ec);
    expect(drainEvents(server)).toEqual([]);
  });

  test("is answered by a server of 1.2 in 1.2, with the mark that forbids the downgrade only if it could do 1.3", () => {
    const server = createServer({ versions: ["1.2"] });
    for (const datagram of helloDatagrams) server.handleInput(datagram, 0);
    const body12 = drain(server)
      .flatMap(fragmentsOf)
      .filter(({ type }) => type === 2);
    const answer = decodeServerHello(reassemble(body12));
    expect(answer.extensions.has(ExtensionType.supportedVersions)).toBe(false);
    expect(answer.cipherSuite).toBe(0xc02b);
    expect(answer.extensions.has(ExtensionType.extendedMasterSecret)).toBe(true);
    expect(toHex(answer.random.subarray(24))).not.toBe("444f574e47524401");
  });

  test("says nothing that brings a server down, cut off anywhere", () => {
    for (let length = 0; length < helloDatagrams[1]!.length; length++) {
      const server = createServer();
      server.handleInput(helloDatagrams[0]!, 0);
      server.handleInput(helloDatagrams[1]!.subarray(0, length), 0);
      expect(drain(server)).toEqual([]);
      expect(drainEvents(server)).toEqual([]);
    }
  });
});

function createServer(options: Partial<DtlsOptions> = {}): DtlsConnection {
  const environment = { crypto: nodeCrypto, random: new SeededRandom(1), log: SILENT_LOGGER };
  return new DtlsConnection(environment, new PacketArena(16), {
    role: "server",
    certificate: CERTIFICATES.ecdsa,
    srtpProfiles: PROFILES,
    ...options,
  });
}
