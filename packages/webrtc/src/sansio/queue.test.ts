import fc from "fast-check";
import { expect, test } from "vitest";
import { Queue } from "./index.ts";

test("items come out in the order they went in, through wraps and growth", () => {
  const operations = fc.array(fc.oneof(fc.nat(), fc.constant("shift" as const)), { maxLength: 200 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }), operations, (maximum, steps) => {
      const queue = new Queue<number>(maximum);
      const model: number[] = [];
      for (const step of steps) {
        if (step === "shift") {
          expect(queue.peek()).toBe(model[0]);
          expect(queue.shift()).toBe(model.shift());
        } else {
          const hasRoom = model.length < maximum;
          expect(queue.push(step)).toBe(hasRoom);
          if (hasRoom) model.push(step);
        }
        expect(queue.length).toBe(model.length);
      }
    }),
  );
});

test("a cleared queue is empty and usable", () => {
  const queue = new Queue<number>(2);
  queue.push(1);
  queue.push(2);
  queue.clear();
  expect(queue.shift()).toBeUndefined();
  expect(queue.push(3)).toBe(true);
  expect(queue.shift()).toBe(3);
});

test.each([0, -1, 1.5, Number.POSITIVE_INFINITY])("a maximum of %d is refused", (maximum) => {
  expect(() => new Queue(maximum)).toThrow(RangeError);
});
