import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { fromHex, toHex } from "../bytes/index.ts";
import { SOFTWARE } from "./attribute/text.ts";
import { StunMessageBuilder } from "./message-builder.ts";
import { StunMethod } from "./message-type.ts";
import { MAX_STREAM_FRAME_BYTES, StreamDeframer } from "./stream-deframer.ts";

const ID = fromHex("000102030405060708090a0b");
const binding = new StunMessageBuilder().start("request", StunMethod.binding, ID).finish().slice();
const long = new StunMessageBuilder()
  .start("request", StunMethod.allocate, ID)
  .add(SOFTWARE, "x".repeat(700))
  .finish()
  .slice();

function channelData(length: number, fill = 7): { frame: Uint8Array; padded: Uint8Array } {
  const padded = new Uint8Array((4 + length + 3) & ~3);
  padded.set([0x40, 0x01, length >> 8, length & 0xff]);
  padded.fill(fill, 4, 4 + length);
  return { frame: padded.slice(0, 4 + length), padded };
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** Everything that comes out when `pieces` arrive one after the other, copied at once as a user has to. */
function frames(deframer: StreamDeframer, pieces: readonly Uint8Array[]): string[] {
  const found: string[] = [];
  for (const piece of pieces) {
    const lent = piece.slice();
    deframer.push(lent);
    for (let frame = deframer.next(); frame !== undefined; frame = deframer.next()) found.push(toHex(frame));
    lent.fill(0xdb);
  }
  return found;
}

function split(bytes: Uint8Array, size: number): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let i = 0; i < bytes.length; i += size) pieces.push(bytes.slice(i, i + size));
  return pieces;
}

describe("frames come out whole however the stream is cut", () => {
  const data = channelData(5);
  const empty = channelData(0);
  const stream = concat(binding, data.padded, empty.padded, long, data.padded, binding);
  const expected = [binding, data.frame, empty.frame, long, data.frame, binding].map(toHex);

  test.each([1, 2, 3, 4, 5, 7, 8, 19, 20, 21, 100, 10_000])("in pieces of %s bytes", (size) => {
    const deframer = new StreamDeframer();
    expect(frames(deframer, split(stream, size))).toEqual(expected);
    expect(deframer.heldBytes).toBe(0);
    expect(deframer.failure).toBeUndefined();
  });

  test("in any pieces at all", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 800 }), { minLength: 1, maxLength: 50 }), (sizes) => {
        const pieces: Uint8Array[] = [];
        let position = 0;
        for (let i = 0; position < stream.length; i++) {
          const end = position + sizes[i % sizes.length]!;
          pieces.push(stream.slice(position, end));
          position = end;
        }
        expect(frames(new StreamDeframer(), pieces)).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });
});

test("a frame that arrives whole is lent where it lies, without a copy", () => {
  const input = concat(binding, binding);
  const deframer = new StreamDeframer();
  deframer.push(input);
  expect(deframer.next()?.buffer).toBe(input.buffer);
  expect(deframer.next()?.byteOffset).toBe(binding.length);
  expect(deframer.next()).toBeUndefined();
});

test("the longest message there can be is read", () => {
  const message = new Uint8Array(MAX_STREAM_FRAME_BYTES);
  message.set(fromHex("0001 fffc 2112a442"));
  const deframer = new StreamDeframer();
  const [found] = frames(deframer, split(message, 1460));
  expect(found?.length).toBe(MAX_STREAM_FRAME_BYTES * 2);
});

describe("what is no frame ends the stream", () => {
  test.each([
    ["DTLS or TLS", "16030100"],
    ["RTP", "80000000"],
    ["a byte of no protocol", "c0000000"],
    ["STUN without the cookie", "00010000 2112a443"],
    ["STUN with a length that is no multiple of 4", "00010003 2112a442"],
  ])("%s", (_name, hex) => {
    for (const size of [1, 3, 100]) {
      const deframer = new StreamDeframer();
      expect(frames(deframer, split(concat(binding, fromHex(hex)), size))).toEqual([toHex(binding)]);
      expect(deframer.failure).toBe("not-a-frame");
      // Nothing tells where the next frame begins: a good one afterwards does not help.
      expect(frames(deframer, [binding])).toEqual([]);
      expect(deframer.heldBytes).toBe(0);
    }
  });
});

describe("a frame longer than the limit ends the stream", () => {
  test("before anything of it is kept", () => {
    const deframer = new StreamDeframer(1024);
    expect(frames(deframer, [channelData(1020).padded])).toHaveLength(1);
    expect(frames(deframer, [fromHex("4001 03fd")])).toEqual([]);
    expect(deframer.failure).toBe("too-long");
    expect(deframer.heldBytes).toBe(0);
  });

  test("the limit can be raised while the stream runs", () => {
    const deframer = new StreamDeframer(64);
    expect(frames(deframer, [binding])).toHaveLength(1);
    deframer.maximumFrameBytes = 2048;
    expect(frames(deframer, [long])).toEqual([toHex(long)]);
  });
});

test("a promised length takes no memory until the bytes arrive", () => {
  const deframer = new StreamDeframer();
  frames(deframer, [fromHex("4001 ffff 01")]);
  expect(deframer.heldBytes).toBe(5);
});

// RFC 6062 §5.4: behind a ConnectionBind request the connection carries data of the peer.
test("what follows a frame can be taken as it is", () => {
  const deframer = new StreamDeframer();
  const bytes = concat(binding, fromHex("ffeedd"));
  deframer.push(bytes);
  expect(deframer.next()).toEqual(binding);
  expect(toHex(deframer.rest)).toBe("ffeedd");
});

test("of a long message in tiny pieces every byte is copied a few times, not once for each piece", () => {
  const length = 64_000;
  let copied = 0;
  const set = vi.spyOn(Uint8Array.prototype, "set").mockImplementation(function (
    this: Uint8Array,
    source,
    offset = 0,
  ) {
    copied += source.length;
    for (let i = 0; i < source.length; i++) this[offset + i] = source[i] ?? 0;
  });
  const deframer = new StreamDeframer();
  const pieces = split(channelData(length).padded, 1);
  copied = 0;
  for (const piece of pieces) {
    deframer.push(piece);
    deframer.next();
  }
  set.mockRestore();
  expect(copied).toBeGreaterThan(length);
  expect(copied).toBeLessThan(length * 3);
});
