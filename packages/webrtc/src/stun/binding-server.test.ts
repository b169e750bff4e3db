import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fromHex, TransportAddress, toHex } from "../bytes/index.ts";
import { PacketArena, type PacketSlot } from "../kernel/index.ts";
import { nodeCrypto } from "../node/crypto.ts";
import { SILENT_LOGGER } from "../sansio/index.ts";
import { SeededRandom } from "../testing/seeded-random.ts";
import type { StunAttribute } from "./attribute/attribute.ts";
import {
  decodeStunMessage,
  ERROR_CODE,
  MAPPED_ADDRESS,
  NONCE,
  REALM,
  SOFTWARE,
  StunBindingServer,
  type StunMessage,
  StunMessageBuilder,
  StunMethod,
  UNKNOWN_ATTRIBUTES,
  USERNAME,
  XOR_MAPPED_ADDRESS,
} from "./index.ts";

const ID = fromHex("0102030405060708090a0b0c");
const ALICE = parse("192.0.2.1:32853");
/** Any id: an answer leaves by the socket that its request came in on. */
const SOCKET = 7;
const BOB = parse("[2001:db8::b0b]:5000");

interface Bench {
  readonly server: StunBindingServer;
  readonly arena: PacketArena;
}

function createBench(slots = 8): Bench {
  const arena = new PacketArena(slots);
  const environment = { crypto: undefined, random: new SeededRandom("server"), log: SILENT_LOGGER };
  return { server: new StunBindingServer(environment, arena, { perSecond: 10, burst: 5 }), arena };
}

function request(fill: (builder: StunMessageBuilder) => unknown = () => undefined): Uint8Array {
  const builder = new StunMessageBuilder().start("request", StunMethod.binding, ID);
  fill(builder);
  return builder.finish().slice();
}

/** An attribute without a value, of any type. */
function empty(type: number): StunAttribute<undefined> {
  return { type, name: "empty", size: () => 0, encode: () => undefined, decode: () => undefined };
}

/** What leaves the server: each answer with where it goes. Slots are released, as a socket does. */
function drain({ server, arena }: Bench): { message: StunMessage; bytes: Uint8Array; slot: PacketSlot }[] {
  const answers = [];
  for (let slot = server.pollTransmit(); slot !== undefined; slot = server.pollTransmit()) {
    const bytes = slot.bytes.slice(slot.start, slot.end);
    answers.push({ message: decodeStunMessage(bytes), bytes, slot });
    arena.release(slot);
  }
  return answers;
}

function ask(
  bench: Bench,
  bytes: Uint8Array,
  from: TransportAddress = ALICE,
  now = 0,
): ReturnType<typeof drain> {
  bench.server.handleInput({ bytes, from, socket: SOCKET }, now);
  return drain(bench);
}

describe("an answer", () => {
  test.each([
    [ALICE, 32],
    [BOB, 44],
  ])("tells %s its address in %d bytes", (from, size) => {
    const bench = createBench();
    const [answer] = ask(bench, request(), from);
    expect(answer?.bytes).toHaveLength(size);
    expect(answer?.slot.to).toBe(from);
    expect(answer?.slot.socket).toBe(SOCKET);
    expect(answer?.message.messageClass).toBe("success");
    expect(answer?.message.method).toBe(StunMethod.binding);
    expect(toHex(answer?.message.transactionId ?? new Uint8Array(0))).toBe(toHex(ID));
    expect(answer?.message.get(XOR_MAPPED_ADDRESS)?.toString()).toBe(from.toString());
    expect(bench.server.counters).toEqual({ answered: 1, refused: 0, ignored: 0, limited: 0, dropped: 0 });
  });

  test("does not grow with the request", () => {
    const [answer] = ask(
      createBench(),
      request((b) => b.add(SOFTWARE, "x".repeat(700)).addFingerprint()),
    );
    expect(answer?.bytes).toHaveLength(32);
  });

  test("is given to requests with attributes that are known and not needed", () => {
    // RFC 8489 §6.3: known but unexpected attributes are ignored.
    const key = nodeCrypto.createHmac("sha-1", ID);
    const bytes = request((b) =>
      b
        .add(USERNAME, "u")
        .add(REALM, "r")
        .add(NONCE, "n")
        .add(MAPPED_ADDRESS, ALICE)
        .addIntegrity(key)
        .addFingerprint(),
    );
    expect(ask(createBench(), bytes)[0]?.message.messageClass).toBe("success");
  });

  test("keeps every request of a batch apart, drained once at the end", () => {
    const bench = createBench();
    for (const from of [ALICE, BOB, ALICE])
      bench.server.handleInput({ bytes: request(), from, socket: SOCKET }, 0);
    expect(drain(bench).map(({ slot, message }) => [slot.to, message.get(XOR_MAPPED_ADDRESS)?.port])).toEqual(
      [
        [ALICE, 32_853],
        [BOB, 5000],
        [ALICE, 32_853],
      ],
    );
  });
});

describe("required attributes that are not understood", () => {
  test("are answered with 420 and named", () => {
    const bench = createBench();
    const [answer] = ask(
      bench,
      request((b) => b.add(empty(0x7f01), undefined).add(empty(0x7f02), undefined)),
    );
    expect(answer?.message.messageClass).toBe("error");
    expect(answer?.message.get(ERROR_CODE)?.code).toBe(420);
    expect(answer?.message.get(UNKNOWN_ATTRIBUTES)).toEqual([0x7f01, 0x7f02]);
    expect(bench.server.counters).toEqual({ answered: 0, refused: 1, ignored: 0, limited: 0, dropped: 0 });
  });

  test("are named up to a limit, so that the answer is never much larger than the request", () => {
    for (let count = 1; count <= 64; count++) {
      const bytes = request((b) => {
        for (let i = 0; i < count; i++) b.add(empty(0x7f00 + i), undefined);
      });
      const [answer] = ask(createBench(), bytes);
      expect(answer?.bytes.length).toBeLessThanOrEqual(Math.min(48, bytes.length * 1.5));
    }
  });
});

describe("nothing is answered to", () => {
  const binding = StunMethod.binding;
  test.each([
    ["junk", fromHex("deadbeef")],
    ["an empty datagram", new Uint8Array(0)],
    ["an indication", new StunMessageBuilder().start("indication", binding, ID).finish()],
    ["a success response", new StunMessageBuilder().start("success", binding, ID).finish()],
    ["an error response", new StunMessageBuilder().start("error", binding, ID).finish()],
    ["a request with a wrong FINGERPRINT", request((b) => b.addFingerprint()).fill(0, 24)],
    ["another method", new StunMessageBuilder().start("request", StunMethod.allocate, ID).finish()],
    ["a cut request", request((b) => b.add(SOFTWARE, "x")).subarray(0, 24)],
  ])("%s", (_name, bytes) => {
    const bench = createBench();
    expect(ask(bench, bytes)).toEqual([]);
    expect(bench.server.counters).toEqual({ answered: 0, refused: 0, ignored: 1, limited: 0, dropped: 0 });
    expect(bench.arena.inUse).toBe(0);
  });

  test("its own answers: two servers cannot be made to talk for ever", () => {
    const bench = createBench();
    const [answer] = ask(bench, request());
    expect(ask(bench, answer?.bytes ?? new Uint8Array(0))).toEqual([]);
  });
});

describe("limits", () => {
  test("one address gets a burst, then a rate; another is not affected", () => {
    const bench = createBench();
    const answers = (from: TransportAddress, now: number) =>
      Array.from({ length: 20 }, () => ask(bench, request(), from, now).length).reduce((a, b) => a + b);
    expect(answers(ALICE, 0)).toBe(5);
    expect(bench.server.counters.limited).toBe(15);
    expect(answers(BOB, 0)).toBe(5);
    expect(answers(ALICE, 300)).toBe(3);
  });

  test("another port of one address does not help", () => {
    const bench = createBench();
    for (let port = 1; port <= 20; port++) ask(bench, request(), new TransportAddress(ALICE.ip, port));
    expect(bench.server.counters).toEqual({ answered: 5, refused: 0, ignored: 0, limited: 15, dropped: 0 });
  });

  test("refusals count against the limit as answers do", () => {
    const bench = createBench();
    for (let i = 0; i < 20; i++)
      ask(
        bench,
        request((b) => b.add(empty(0x7f00), undefined)),
      );
    expect(bench.server.counters).toEqual({ answered: 0, refused: 5, ignored: 0, limited: 15, dropped: 0 });
  });

  test("without a free slot an answer is dropped and counted, and the next one leaves", () => {
    const bench = createBench(1);
    bench.server.handleInput({ bytes: request(), from: ALICE, socket: SOCKET }, 0);
    bench.server.handleInput({ bytes: request(), from: BOB, socket: SOCKET }, 0);
    expect(bench.server.counters).toEqual({ answered: 1, refused: 0, ignored: 0, limited: 0, dropped: 1 });
    expect(drain(bench)).toHaveLength(1);
    expect(ask(bench, request(), BOB)).toHaveLength(1);
    expect(bench.arena.inUse).toBe(0);
  });

  test("answers that nobody fetches stop at a limit and hold no more slots", () => {
    const bench = createBench(1100);
    for (let host = 0; host < 1100; host++) {
      bench.server.handleInput(
        { bytes: request(), from: parse(`10.0.${host >> 8}.${host & 255}:1`), socket: SOCKET },
        0,
      );
    }
    expect(bench.arena.inUse).toBe(1024);
    expect(bench.server.counters).toMatchObject({ answered: 1024, limited: 0, dropped: 76 });
  });
});

test("it needs no timer and has no events", () => {
  const { server } = createBench();
  server.handleTimeout();
  expect(server.pollTimeout()).toBe(Number.POSITIVE_INFINITY);
  expect(server.pollEvent()).toBeUndefined();
});

test("no datagram makes it throw, and every slot comes back", () => {
  const bench = createBench();
  const valid = request((b) => b.add(SOFTWARE, "x").add(empty(0x7f00), undefined).addFingerprint());
  const mutated = fc
    .array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { maxLength: 4 })
    .map((changes) => {
      const bytes = valid.slice();
      for (const [offset, value] of changes) bytes[offset] = value;
      return bytes;
    });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 100 }), mutated), (bytes) => {
      ask(bench, bytes, ALICE, 1e9);
      expect(bench.arena.inUse).toBe(0);
    }),
    { numRuns: 1000 },
  );
});

function parse(text: string): TransportAddress {
  const address = TransportAddress.parse(text);
  if (address === undefined) throw new Error(`"${text}" is no address`);
  return address;
}
