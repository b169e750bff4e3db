import fc from "fast-check";
import { expect, test } from "vitest";
import { add32, distance32 } from "../../bytes/index.ts";
import { SackView } from "../chunk/sack.ts";
import { ReceivedTsns } from "./received-tsns.ts";

/** What a SACK says, as offsets from the first TSN. */
function told(
  tsns: ReceivedTsns,
  first: number,
  limit = 1400,
): { cumulative: number; gaps: number[][]; duplicates: number[] } {
  const bytes = new Uint8Array(limit);
  const end = tsns.writeSack(bytes, 0, limit, 1000);
  const view = new SackView();
  expect(view.read(bytes, 4, end)).toBe(true);
  const cumulative = distance32(view.cumulativeTsnAck, first);
  return {
    cumulative,
    gaps: Array.from({ length: view.gapCount }, (_, i) => [
      cumulative + view.gapStart(i),
      cumulative + view.gapEnd(i),
    ]),
    duplicates: Array.from({ length: view.duplicateCount }, (_, i) => distance32(view.duplicate(i), first)),
  };
}

test.each([0, 0x7fff_fff0, 0xffff_fff0])(
  "from TSN %d on, any order tells the same as a set would",
  (first) => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(60), { maxLength: 120 }),
        fc.option(fc.nat(60), { nil: undefined }),
        (offsets, forward) => {
          const tsns = new ReceivedTsns(first);
          const model = new Set<number>();
          const duplicates: number[] = [];
          for (const offset of offsets) {
            const tsn = add32(first, offset);
            const kind = tsns.classify(tsn);
            expect(kind).toBe(model.has(offset) ? "duplicate" : "new");
            if (kind === "new") tsns.add(tsn);
            else duplicates.push(offset);
            model.add(offset);
          }
          if (forward !== undefined) {
            tsns.forward(add32(first, forward));
            for (let i = 0; i <= forward; i++) model.add(i);
          }
          let cumulative = -1;
          while (model.has(cumulative + 1)) cumulative++;
          const gaps: number[][] = [];
          for (let i = cumulative + 1; i <= 61; i++) {
            if (!model.has(i)) continue;
            if (model.has(i - 1) && gaps.length > 0) gaps.at(-1)![1] = i;
            else gaps.push([i, i]);
          }
          expect(told(tsns, first)).toEqual({ cumulative, gaps, duplicates: duplicates.slice(0, 20) });
          expect(tsns.hasGaps).toBe(gaps.length > 0);
        },
      ),
    );
  },
);

test("duplicates are told once, and what does not fit is left out", () => {
  const tsns = new ReceivedTsns(0);
  for (const tsn of [0, 0, 4, 2, 2]) if (tsns.classify(tsn) === "new") tsns.add(tsn);
  expect(told(tsns, 0, 16 + 8)).toEqual({
    cumulative: 0,
    gaps: [
      [2, 2],
      [4, 4],
    ],
    duplicates: [],
  });
  expect(told(tsns, 0).duplicates).toEqual([]);
});

test("a TSN further ahead than can be told is outside", () => {
  const tsns = new ReceivedTsns(100);
  expect(tsns.classify(99 + 0xffff)).toBe("new");
  expect(tsns.classify(99 + 0x1_0000)).toBe("outside");
});

test("there are at most so many ranges, and what lengthens one is still taken", () => {
  const tsns = new ReceivedTsns(0);
  for (let i = 0; i < 2048; i++) {
    expect(tsns.classify(2 + i * 2)).toBe("new");
    tsns.add(2 + i * 2);
  }
  expect(tsns.classify(5000)).toBe("outside");
  expect(tsns.classify(3)).toBe("new");
  tsns.add(3);
  expect(tsns.classify(5000)).toBe("new");
});
