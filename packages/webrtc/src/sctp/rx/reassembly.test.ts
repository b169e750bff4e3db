import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createDataFields, type DataFields, DataFlag } from "../chunk/data.ts";
import { Reassembly } from "./reassembly.ts";

const LIMITS = { maxMessageBytes: 10_000, maxTotalBytes: 100_000 };

interface Sent {
  readonly streamId: number;
  readonly size: number;
  readonly isUnordered: boolean;
}

/** The fragments of messages, as a sender numbers them. */
function fragmentsOf(
  messages: readonly Sent[],
  isInterleaved: boolean,
  firstTsn: number,
  piece = 10,
): DataFields[] {
  const fragments: DataFields[] = [];
  const next = new Map<string, number>();
  let tsn = firstTsn;
  messages.forEach(({ streamId, size, isUnordered }, index) => {
    const key = `${streamId}${isInterleaved ? isUnordered : ""}`;
    const messageId = next.get(key) ?? 0;
    if (isInterleaved || !isUnordered) next.set(key, messageId + 1);
    for (let offset = 0, fsn = 0; offset < size; offset += piece, fsn++) {
      const flags =
        (offset === 0 ? DataFlag.begin : 0) |
        (offset + piece >= size ? DataFlag.end : 0) |
        (isUnordered ? DataFlag.unordered : 0);
      const end = Math.min(piece, size - offset);
      fragments.push({
        flags,
        tsn,
        streamId,
        messageId,
        fsn: isInterleaved ? fsn : 0,
        ppid: index,
        start: 0,
        end,
      });
      tsn = (tsn + 1) >>> 0;
    }
  });
  return fragments;
}

const packet = Uint8Array.from({ length: 10 }, (_, i) => i);

describe.each([
  ["DATA", false],
  ["I-DATA", true],
])("%s", (_, isInterleaved) => {
  const message = fc.record({
    streamId: fc.nat(2),
    size: fc.integer({ min: 1, max: 55 }),
    isUnordered: fc.boolean(),
  });

  test("whatever order fragments come in, messages come out whole, and in order where that was asked for", () => {
    fc.assert(
      fc.property(
        fc.array(message, { minLength: 1, maxLength: 15 }),
        fc.infiniteStream(fc.nat()),
        (messages, chance) => {
          const reassembly = new Reassembly(isInterleaved, LIMITS);
          const fragments = fragmentsOf(messages, isInterleaved, 0xffff_fff8);
          while (fragments.length > 0) {
            const index = (chance.next().value ?? 0) % fragments.length;
            expect(reassembly.add(packet, fragments.splice(index, 1)[0]!)).toBeUndefined();
          }
          const out = [];
          for (let event = reassembly.shift(); event; event = reassembly.shift()) out.push(event);
          expect(out.map(({ ppid }) => ppid).sort((a, b) => a - b)).toEqual(
            messages.map((__, index) => index),
          );
          for (const { ppid, bytes } of out) {
            expect(bytes.length).toBe(messages[ppid]!.size);
            expect(bytes.every((byte, i) => byte === i % 10)).toBe(true);
          }
          for (const streamId of [0, 1, 2]) {
            const ordered = out
              .filter((event) => event.streamId === streamId && !event.isUnordered)
              .map(({ ppid }) => ppid);
            expect(ordered).toEqual([...ordered].sort((a, b) => a - b));
          }
          expect(reassembly.windowBytes).toBe(0);
        },
      ),
    );
  });

  test("fragments that do not fit together are noticed", () => {
    const reassembly = new Reassembly(isInterleaved, LIMITS);
    const [first, second] = fragmentsOf([{ streamId: 1, size: 30, isUnordered: false }], isInterleaved, 0);
    reassembly.add(packet, first!);
    const other = isInterleaved ? { ...first!, tsn: 1 } : { ...second!, streamId: 2 };
    expect(reassembly.add(packet, other)).toBe("fragments do not fit together");
  });

  test("a message above the limit is noticed before it is stored", () => {
    const reassembly = new Reassembly(isInterleaved, { maxMessageBytes: 25, maxTotalBytes: 1_000 });
    const results = fragmentsOf([{ streamId: 1, size: 60, isUnordered: false }], isInterleaved, 0).map(
      (fragment) => reassembly.add(packet, fragment),
    );
    expect(results.slice(0, 3)).toEqual([undefined, undefined, "message too large"]);
  });

  test("what is skipped is dropped, and what waited for it is handed over", () => {
    const reassembly = new Reassembly(isInterleaved, LIMITS);
    const fragments = fragmentsOf(
      [30, 10, 30, 10].map((size) => ({ streamId: 1, size, isUnordered: false })),
      isInterleaved,
      0,
    );
    // Message 0 lacks its second fragment, message 2 its first.
    for (const [index, fragment] of fragments.entries()) {
      if (index !== 1 && index !== 4) reassembly.add(packet, fragment);
    }
    expect(reassembly.readyCount).toBe(0);
    reassembly.forward(-1, 2, [{ streamId: 1, isUnordered: false, messageId: 0 }]);
    expect(reassembly.shift()?.ppid).toBe(1);
    expect(reassembly.shift()).toBeUndefined();
    reassembly.forward(2, 6, [{ streamId: 1, isUnordered: false, messageId: 2 }]);
    expect(reassembly.shift()?.ppid).toBe(3);
    expect(reassembly.windowBytes).toBe(0);
  });

  test("a reset starts the numbers again and drops what was under way on those streams alone", () => {
    const reassembly = new Reassembly(isInterleaved, LIMITS);
    const fragments = fragmentsOf(
      [
        { streamId: 1, size: 10, isUnordered: false },
        { streamId: 1, size: 20, isUnordered: false },
        { streamId: 2, size: 20, isUnordered: false },
      ],
      isInterleaved,
      0,
    );
    for (const index of [0, 1, 3]) reassembly.add(packet, fragments[index]!);
    expect(reassembly.shift()?.ppid).toBe(0);
    reassembly.reset([1]);
    reassembly.add(packet, { ...fragments[0]!, tsn: 10, ppid: 7 });
    reassembly.add(packet, fragments[4]!);
    expect([reassembly.shift()?.ppid, reassembly.shift()?.ppid]).toEqual([7, 2]);
    reassembly.reset("all");
    expect(reassembly.windowBytes).toBe(0);
  });
});

test("fields are reused without a trace in what is stored", () => {
  const reassembly = new Reassembly(true, LIMITS);
  const fields = createDataFields();
  Object.assign(fields, { flags: 3, tsn: 1, streamId: 1, messageId: 1, ppid: 5, start: 0, end: 10 });
  reassembly.add(packet, fields);
  Object.assign(fields, { tsn: 0, messageId: 0, ppid: 6 });
  reassembly.add(packet, fields);
  expect([reassembly.shift()?.ppid, reassembly.shift()?.ppid]).toEqual([6, 5]);
});
