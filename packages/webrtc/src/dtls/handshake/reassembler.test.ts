import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MAX_REASSEMBLY_BYTES } from "../constants.ts";
import {
  decodeFragment,
  HANDSHAKE_HEADER_BYTES,
  type HandshakeFragment,
  writeFragmentHeader,
} from "./fragment.ts";
import { Ranges } from "./ranges.ts";
import { Reassembler } from "./reassembler.ts";

const BODY = Uint8Array.from({ length: 1000 }, (_, i) => i * 7);

function fragment(start: number, end: number, body: Uint8Array = BODY, sequence = 0): HandshakeFragment {
  return { type: 1, length: body.length, sequence, offset: start, data: body.subarray(start, end) };
}

test("fragments in any order, overlapping and repeated, make the message once every byte is there", () => {
  const cut = fc.tuple(fc.nat(999), fc.integer({ min: 1, max: 400 }));
  fc.assert(
    fc.property(fc.array(cut, { maxLength: 60 }), (cuts) => {
      const reassembler = new Reassembler();
      const there = new Set<number>();
      for (const [start, length] of cuts) {
        const end = Math.min(1000, start + length);
        reassembler.add(fragment(start, end), 0);
        for (let i = start; i < end; i++) there.add(i);
      }
      const message = reassembler.take();
      if (there.size < 1000) expect(message).toBeUndefined();
      else expect(message).toEqual({ type: 1, sequence: 0, epoch: 0, body: BODY });
    }),
  );
});

test("messages come out in order, whatever order they came in", () => {
  const reassembler = new Reassembler();
  for (const sequence of [2, 0, 1]) reassembler.add(fragment(0, 1000, BODY, sequence), 2);
  const order: number[] = [];
  for (let message = reassembler.take(); message !== undefined; message = reassembler.take()) {
    order.push(message.sequence);
    reassembler.accept();
  }
  expect(order).toEqual([0, 1, 2]);
  expect(reassembler.heldBytes).toBe(0);
});

test("an empty message is complete with its one fragment", () => {
  const reassembler = new Reassembler();
  expect(reassembler.add(fragment(0, 0, new Uint8Array(0)), 0)).toBe("kept");
  expect(reassembler.take()?.body).toHaveLength(0);
});

describe("a stranger's fragments", () => {
  test("without content hold nothing", () => {
    const reassembler = new Reassembler();
    for (let i = 0; i < 1000; i++) expect(reassembler.add(fragment(i, i), 0)).toBe("refused");
    expect(reassembler.heldBytes).toBe(0);
  });

  test("that contradict the peer's do not spoil the message, in whatever order they come", () => {
    const forged = new Uint8Array(1000).fill(0xff);
    const pieces = [
      fragment(0, 500),
      fragment(500, 1000),
      fragment(700, 1000, forged),
      fragment(0, 100, forged),
      fragment(400, 600, forged),
    ];
    fc.assert(
      fc.property(fc.shuffledSubarray(pieces, { minLength: 5 }), (order) => {
        const reassembler = new Reassembler();
        for (let round = 0; round < 3; round++) for (const piece of order) reassembler.add(piece, 0);
        // The peer repeats itself, and once its fragments follow each other.
        for (let round = 0; round < 2; round++)
          for (const piece of pieces.slice(0, 2)) reassembler.add(piece, 0);
        const bodies: Uint8Array[] = [];
        for (let message = reassembler.take(); message !== undefined; message = reassembler.take()) {
          bodies.push(message.body);
        }
        expect(bodies).toContainEqual(BODY);
      }),
    );
  });

  test("of another type, length or epoch are another message", () => {
    const reassembler = new Reassembler();
    reassembler.add({ ...fragment(0, 500), type: 2 }, 0);
    reassembler.add({ ...fragment(0, 500), length: 1001 }, 0);
    reassembler.add(fragment(0, 500), 1);
    reassembler.add(fragment(500, 1000), 0);
    expect(reassembler.take()).toBeUndefined();
    reassembler.add(fragment(0, 500), 0);
    expect(reassembler.take()?.body).toEqual(BODY);
  });

  test("never hold more than 64 KiB, and the peer's message still comes through", () => {
    const reassembler = new Reassembler();
    const large = new Uint8Array(32_768);
    for (let i = 0; i < 5000; i++) {
      const sequence = i % 17;
      reassembler.add(
        {
          type: i % 256,
          length: large.length - (i % 100),
          sequence,
          offset: i % 1000,
          data: large.subarray(0, 1),
        },
        i % 3,
      );
      expect(reassembler.heldBytes).toBeLessThanOrEqual(MAX_REASSEMBLY_BYTES);
    }
    reassembler.add(fragment(0, 500), 0);
    reassembler.add(fragment(500, 1000), 0);
    expect(reassembler.take()?.body).toEqual(BODY);
  });

  test("far ahead or behind, or of a message nobody sends, are refused", () => {
    const reassembler = new Reassembler();
    reassembler.next = 5;
    expect(reassembler.add(fragment(0, 10, BODY, 4), 0)).toBe("refused");
    expect(reassembler.add(fragment(0, 10, BODY, 22), 0)).toBe("refused");
    expect(reassembler.add({ ...fragment(0, 10, BODY, 5), length: 40_000 }, 0)).toBe("refused");
    expect(reassembler.heldBytes).toBe(0);
  });
});

test("a version of a message is given once, and a repeated one again", () => {
  const reassembler = new Reassembler();
  reassembler.add(fragment(0, 1000), 0);
  expect(reassembler.take()).toBeDefined();
  expect(reassembler.take()).toBeUndefined();
  reassembler.add(fragment(0, 1000), 0);
  expect(reassembler.take()).toBeDefined();
});

describe("the header of a fragment", () => {
  const bytes = new Uint8Array(HANDSHAKE_HEADER_BYTES + 20);
  writeFragmentHeader(bytes, 0, 11, 70_000, 300, 65_600, 20);

  test("is read as it is written", () => {
    expect(decodeFragment(bytes, 0, bytes.length)).toEqual({
      type: 11,
      length: 70_000,
      sequence: 300,
      offset: 65_600,
      data: new Uint8Array(20),
    });
  });

  test("is refused cut off anywhere", () => {
    for (let end = 0; end < bytes.length; end++) expect(decodeFragment(bytes, 0, end)).toBeUndefined();
  });

  test("is refused when the fragment reaches beyond its message", () => {
    const beyond = bytes.slice();
    writeFragmentHeader(beyond, 0, 11, 70_000, 300, 69_990, 20);
    expect(decodeFragment(beyond, 0, beyond.length)).toBeUndefined();
  });
});

describe("ranges", () => {
  test("know what they cover as a set of bytes does", () => {
    const pair = fc.tuple(fc.nat(100), fc.nat(100));
    fc.assert(
      fc.property(fc.array(pair, { maxLength: 40 }), fc.nat(100), (pairs, from) => {
        const ranges = new Ranges(100);
        const bytes = new Set<number>();
        for (const [start, end] of pairs) {
          expect(ranges.add(start, end)).toBe(true);
          for (let i = start; i < end; i++) bytes.add(i);
        }
        const isThere = (i: number): boolean => bytes.has(i);
        const all = Array.from({ length: 100 }, (_, i) => i);
        expect(ranges.covers(100)).toBe(all.every(isThere));
        const gap = ranges.gap(from, 100);
        expect(gap?.start).toBe(all.find((i) => i >= from && !isThere(i)));
        if (gap !== undefined) {
          expect(all.slice(gap.start, gap.end).some(isThere)).toBe(false);
          expect(gap.end === 100 || isThere(gap.end)).toBe(true);
        }
        const within = ranges.within(0, 100).flatMap(({ start, end }) => all.slice(start, end));
        expect(within).toEqual(all.filter(isThere));
      }),
    );
  });

  test("are no more than allowed", () => {
    const ranges = new Ranges(3);
    for (const start of [0, 10, 20]) expect(ranges.add(start, start + 1)).toBe(true);
    expect(ranges.add(30, 31)).toBe(false);
    expect(ranges.add(0, 21)).toBe(true);
    expect(ranges.add(30, 31)).toBe(true);
  });
});
