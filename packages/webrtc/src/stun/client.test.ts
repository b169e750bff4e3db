import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type OutgoingDatagram, TransportAddress, toHex } from "../bytes/index.ts";
import { nodeCrypto } from "../node/crypto.ts";
import { InvalidStateError, SILENT_LOGGER } from "../sansio/index.ts";
import { SeededRandom } from "../testing/seeded-random.ts";
import {
  attributeValue,
  decodeStunMessage,
  ERROR_CODE,
  LIFETIME,
  SOFTWARE,
  type StunClass,
  StunClient,
  type StunClientEvent,
  type StunClientOptions,
  type StunMessage,
  StunMessageBuilder,
  StunMethod,
  USERNAME,
  XOR_MAPPED_ADDRESS,
} from "./index.ts";

const SERVER = parse("192.0.2.1:3478");
const MAPPED = parse("198.51.100.7:40000");
const SOCKET = 3;
const BINDING = { method: StunMethod.binding };

function createClient(options: Partial<StunClientOptions> = {}): StunClient {
  const environment = { crypto: nodeCrypto, random: new SeededRandom("client"), log: SILENT_LOGGER };
  return new StunClient(environment, { server: SERVER, socket: SOCKET, ...options });
}

function drainTransmits(client: StunClient): OutgoingDatagram[] {
  const sent: OutgoingDatagram[] = [];
  for (let next = client.pollTransmit(); next !== undefined; next = client.pollTransmit()) sent.push(next);
  return sent;
}

function drainEvents(client: StunClient): StunClientEvent[] {
  const events: StunClientEvent[] = [];
  for (let next = client.pollEvent(); next !== undefined; next = client.pollEvent()) events.push(next);
  return events;
}

/** The one request that is waiting to be sent. */
function takeRequest(client: StunClient): StunMessage {
  const [sent, ...more] = drainTransmits(client);
  if (sent === undefined || more.length > 0)
    throw new Error(`expected 1 request, got ${more.length + (sent ? 1 : 0)}`);
  return decodeStunMessage(sent.bytes);
}

/** The server's answer to `request`. */
function answer(
  request: StunMessage,
  messageClass: StunClass,
  fill: (builder: StunMessageBuilder) => unknown = () => undefined,
): Uint8Array {
  const builder = new StunMessageBuilder().start(messageClass, request.method, request.transactionId);
  fill(builder);
  return builder.finish().slice();
}

function deliver(client: StunClient, bytes: Uint8Array, now = 0, from: TransportAddress = SERVER): void {
  client.handleInput({ bytes, from, socket: SOCKET }, now);
}

describe("a request", () => {
  test("is sent at once, with a FINGERPRINT and without credentials", () => {
    const client = createClient({ credentials: { username: "u", password: "p" } });
    client.request({ method: StunMethod.allocate, attributes: [attributeValue(LIFETIME, 600)] }, 0);
    const [sent] = drainTransmits(client);
    expect(sent).toMatchObject({ to: SERVER, socket: SOCKET });
    const message = decodeStunMessage(sent?.bytes ?? new Uint8Array(0));
    expect([message.messageClass, message.method]).toEqual(["request", StunMethod.allocate]);
    expect(message.get(LIFETIME)).toBe(600);
    expect(message.has(USERNAME)).toBe(false);
    expect(message.checkFingerprint()).toBe("valid");
  });

  test("that is answered succeeds, with its round trip and an answer that owns its bytes", () => {
    const client = createClient();
    const id = client.request(BINDING, 100);
    const bytes = answer(takeRequest(client), "success", (b) => b.add(XOR_MAPPED_ADDRESS, MAPPED));
    deliver(client, bytes, 142);
    bytes.fill(0);
    const [event] = drainEvents(client);
    expect(event).toMatchObject({ type: "success", id, roundTripMs: 42 });
    expect(event?.type === "success" && event.response.get(XOR_MAPPED_ADDRESS)?.toString()).toBe(`${MAPPED}`);
    expect(client.pollTimeout()).toBe(Number.POSITIVE_INFINITY);
  });

  test("is repeated when RFC 8489 §6.2.1 says, byte for byte, and given up after 39.5 s", () => {
    const client = createClient();
    const id = client.request(BINDING, 1000);
    const first = toHex(drainTransmits(client)[0]?.bytes ?? new Uint8Array(0));
    const times: number[] = [];
    for (let now = client.pollTimeout(); now < Number.POSITIVE_INFINITY; now = client.pollTimeout()) {
      client.handleTimeout(now - 1);
      expect(drainTransmits(client)).toEqual([]);
      client.handleTimeout(now);
      times.push(now - 1000);
      for (const { bytes } of drainTransmits(client)) expect(toHex(bytes)).toBe(first);
    }
    expect(times).toEqual([500, 1500, 3500, 7500, 15_500, 31_500, 39_500]);
    expect(drainEvents(client)).toEqual([{ type: "failure", id, reason: "timeout" }]);
  });

  test("that was repeated has no round trip: either may have been answered", () => {
    const client = createClient();
    client.request(BINDING, 0);
    const request = takeRequest(client);
    client.handleTimeout(500);
    deliver(client, answer(request, "success"), 510);
    expect(drainEvents(client)).toMatchObject([{ type: "success", roundTripMs: undefined }]);
  });

  test("over a reliable transport is sent once", () => {
    const client = createClient({ transaction: { reliable: true } });
    client.request(BINDING, 0);
    expect(drainTransmits(client)).toHaveLength(1);
    client.handleTimeout(39_499);
    expect(drainEvents(client)).toEqual([]);
    client.handleTimeout(39_500);
    expect(drainTransmits(client)).toEqual([]);
    expect(drainEvents(client)).toMatchObject([{ type: "failure", reason: "timeout" }]);
  });

  test("that is cancelled has no event, whatever comes", () => {
    const client = createClient();
    const id = client.request(BINDING, 0);
    const request = takeRequest(client);
    client.cancel(id);
    deliver(client, answer(request, "success"));
    client.handleTimeout(100_000);
    expect(drainEvents(client)).toEqual([]);
    expect(client.pollTimeout()).toBe(Number.POSITIVE_INFINITY);
  });

  test("fails at once when what carries it is gone", () => {
    const client = createClient();
    const ids = [client.request(BINDING, 0), client.request(BINDING, 0)];
    client.handleTransportFailure();
    expect(drainEvents(client)).toEqual(
      ids.map((id) => expect.objectContaining({ id, reason: "transport" })),
    );
  });

  test("beyond the 64th at once is refused, until one ends", () => {
    const client = createClient();
    for (let i = 0; i < 64; i++) client.request(BINDING, 0);
    expect(() => client.request(BINDING, 0)).toThrow(InvalidStateError);
    const [first] = drainTransmits(client);
    deliver(client, answer(decodeStunMessage(first?.bytes ?? new Uint8Array(0)), "success"));
    expect(() => client.request(BINDING, 0)).not.toThrow();
  });

  test("has a transaction id of its own", () => {
    const client = createClient();
    for (let i = 0; i < 64; i++) client.request(BINDING, 0);
    const ids = drainTransmits(client).map(({ bytes }) => toHex(decodeStunMessage(bytes).transactionId));
    expect(new Set(ids).size).toBe(64);
  });
});

describe("no answer to a request is", () => {
  test.each<[string, (request: StunMessage) => Uint8Array]>([
    ["junk", () => new Uint8Array([1, 2, 3])],
    ["a request", (request) => answer(request, "request")],
    ["an indication", (request) => answer(request, "indication")],
    [
      "a message with a wrong FINGERPRINT",
      (request) => answer(request, "success", (b) => b.addFingerprint()).fill(0, 24),
    ],
    [
      "an answer with another transaction id",
      (request) => {
        const bytes = answer(request, "success");
        bytes[19]! ^= 1;
        return bytes;
      },
    ],
    [
      "an answer with another method",
      (request) =>
        new StunMessageBuilder().start("success", StunMethod.refresh, request.transactionId).finish().slice(),
    ],
  ])("%s", (_name, createBytes) => {
    const client = createClient();
    client.request(BINDING, 0);
    const request = takeRequest(client);
    deliver(client, createBytes(request));
    expect(drainEvents(client)).toEqual([]);
    expect(client.counters.ignored + client.counters.unmatched).toBe(1);
    deliver(client, answer(request, "success"));
    expect(drainEvents(client)).toHaveLength(1);
  });

  test("the right message from another address", () => {
    const client = createClient();
    client.request(BINDING, 0);
    deliver(client, answer(takeRequest(client), "success"), 0, parse("192.0.2.1:3479"));
    expect(drainEvents(client)).toEqual([]);
  });

  test("a second answer", () => {
    const client = createClient();
    client.request(BINDING, 0);
    const bytes = answer(takeRequest(client), "success");
    deliver(client, bytes);
    deliver(client, bytes);
    expect(drainEvents(client)).toHaveLength(1);
    expect(client.counters.unmatched).toBe(1);
  });
});

describe("an error answer", () => {
  test("refuses the request and is handed over as it came", () => {
    const client = createClient();
    const id = client.request(BINDING, 0);
    const error = { code: 500, reason: "Server Error" };
    deliver(
      client,
      answer(takeRequest(client), "error", (b) => b.add(ERROR_CODE, error).add(SOFTWARE, "x")),
    );
    const [event] = drainEvents(client);
    expect(event).toMatchObject({ type: "refused", id, error });
    expect(event?.type === "refused" && event.response.get(SOFTWARE)).toBe("x");
  });

  test("without an error code ends the request as malformed", () => {
    const client = createClient();
    client.request(BINDING, 0);
    deliver(client, answer(takeRequest(client), "error"));
    expect(drainEvents(client)).toMatchObject([{ type: "failure", reason: "malformed" }]);
  });

  test("401 is a refusal for a client without credentials", () => {
    const client = createClient();
    client.request(BINDING, 0);
    const error = { code: 401, reason: "" };
    deliver(
      client,
      answer(takeRequest(client), "error", (b) => b.add(ERROR_CODE, error)),
    );
    expect(drainEvents(client)).toMatchObject([{ type: "refused", error }]);
  });
});

describe("attributes of an answer that have to be understood", () => {
  const withLifetime = (request: StunMessage): Uint8Array =>
    answer(request, "success", (b) => b.add(LIFETIME, 1));

  test("and are not, end the request", () => {
    const client = createClient();
    client.request(BINDING, 0);
    deliver(client, withLifetime(takeRequest(client)));
    expect(drainEvents(client)).toMatchObject([{ type: "failure", reason: "unsupported" }]);
  });

  test("can be named by whoever understands them", () => {
    const client = createClient({ understood: new Set([LIFETIME.type]) });
    client.request(BINDING, 0);
    deliver(client, withLifetime(takeRequest(client)));
    expect(drainEvents(client)).toMatchObject([{ type: "success" }]);
  });

  test("are no matter when RFC 8489 has them, expected or not, or when they are optional", () => {
    const client = createClient();
    client.request(BINDING, 0);
    deliver(
      client,
      answer(takeRequest(client), "success", (b) => b.add(USERNAME, "u").add(SOFTWARE, "s")),
    );
    expect(drainEvents(client)).toMatchObject([{ type: "success" }]);
  });
});

test("a parent core may hand over messages that it has decoded", () => {
  const client = createClient();
  client.request(BINDING, 0);
  const request = takeRequest(client);
  expect(client.handleMessage(request, 0)).toBe(false);
  expect(client.handleMessage(decodeStunMessage(answer(request, "success")), 5)).toBe(true);
  expect(drainEvents(client)).toMatchObject([{ type: "success", roundTripMs: 5 }]);
});

test("whatever the server sends, nothing is thrown and every request ends once", () => {
  const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 6 });
  const kinds = fc.constantFrom<StunClass>("request", "indication", "success", "error");
  fc.assert(
    fc.property(
      fc.array(fc.tuple(kinds, changes, fc.uint8Array({ maxLength: 60 })), { maxLength: 20 }),
      (script) => {
        const client = createClient({ credentials: { username: "u", password: "p" } });
        const id = client.request(BINDING, 0);
        const request = takeRequest(client);
        for (const [kind, mutations, junk] of script) {
          const bytes = answer(request, kind, (b) =>
            b.add(ERROR_CODE, { code: 401, reason: "" }).add(SOFTWARE, "x"),
          );
          for (const [offset, value] of mutations) bytes[offset % bytes.length] = value;
          deliver(client, bytes);
          deliver(client, junk);
        }
        for (let now = client.pollTimeout(); now < Number.POSITIVE_INFINITY; now = client.pollTimeout()) {
          client.handleTimeout(now);
        }
        expect(drainEvents(client).map((event) => event.id)).toEqual([id]);
      },
    ),
    { numRuns: 300 },
  );
});

function parse(text: string): TransportAddress {
  const address = TransportAddress.parse(text);
  if (address === undefined) throw new Error(`"${text}" is no address`);
  return address;
}
