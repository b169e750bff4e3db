import fc from "fast-check";
import { expect, test } from "vitest";
import { ReliableDelivery } from "./reliable-delivery.ts";

/** Two ends and a connection that loses whatever is under way whenever it breaks. */
class Line {
  readonly ends: readonly [ReliableDelivery, ReliableDelivery] = [
    new ReliableDelivery(),
    new ReliableDelivery(),
  ];
  readonly delivered: [string[], string[]] = [[], []];
  #wires: [string[], string[]] = [[], []];
  #up = true;

  send(from: 0 | 1, body: string): void {
    const text = this.ends[from].send((seq) => JSON.stringify({ seq, body, ack: this.ends[from].received }));
    if (text !== undefined && this.#up) this.#wires[from].push(text);
  }

  move(from: 0 | 1): void {
    const text = this.#wires[from].shift();
    if (text === undefined) return;
    const to = from === 0 ? 1 : 0;
    const { seq, body, ack } = JSON.parse(text);
    this.ends[to].handleAck(ack);
    const arrival = this.ends[to].handleArrival(seq);
    expect(arrival).not.toBe("gap");
    if (arrival === "deliver") this.delivered[to].push(body);
  }

  break(): void {
    this.#wires = [[], []];
    this.#up = false;
  }

  resume(): void {
    this.#wires = [[], []];
    this.#up = true;
    for (const from of [0, 1] as const) {
      this.ends[from].handleAck(this.ends[from === 0 ? 1 : 0].received);
      this.#wires[from].push(...this.ends[from].unacknowledged);
    }
  }
}

const step: fc.Arbitrary<{ kind: "send" | "move" | "break" | "resume"; from: 0 | 1 }> = fc.record({
  kind: fc.constantFrom("send", "send", "move", "move", "move", "break", "resume"),
  from: fc.constantFrom(0, 1),
});

test("whatever breaks and whenever, every message arrives exactly once and in order", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const line = new Line();
      const sent: [string[], string[]] = [[], []];
      for (const { kind, from } of steps) {
        if (kind === "send") {
          const body = `${from}:${sent[from].length}`;
          sent[from].push(body);
          line.send(from, body);
        } else if (kind === "move") line.move(from);
        else if (kind === "break") line.break();
        else line.resume();
      }
      line.resume();
      for (let i = 0; i < 500; i++) {
        line.move(0);
        line.move(1);
      }
      expect(line.delivered[1]).toEqual(sent[0]);
      expect(line.delivered[0]).toEqual(sent[1]);
    }),
    { numRuns: 300 },
  );
});

test("a number that was seen is a duplicate, one that skips is a gap", () => {
  const delivery = new ReliableDelivery();
  expect([1, 2, 2, 1, 4, 3].map((seq) => delivery.handleArrival(seq))).toEqual([
    "deliver",
    "deliver",
    "duplicate",
    "duplicate",
    "gap",
    "deliver",
  ]);
  expect(delivery.received).toBe(3);
});

test("what waits has a maximum, in messages and in bytes, and a refused message takes no number", () => {
  const few = new ReliableDelivery({ maxPendingMessages: 2, maxPendingBytes: 1_000 });
  expect([1, 2, 3].map(() => few.send((seq) => `m${seq}`))).toEqual(["m1", "m2", undefined]);
  few.handleAck(1);
  expect(few.send((seq) => `m${seq}`)).toBe("m3");
  const small = new ReliableDelivery({ maxPendingMessages: 100, maxPendingBytes: 10 });
  expect(small.send(() => "12345678")).toBe("12345678");
  expect(small.send(() => "901")).toBeUndefined();
  expect(small.unacknowledged).toEqual(["12345678"]);
});

test("an acknowledgement of what was never sent is ignored", () => {
  const delivery = new ReliableDelivery();
  delivery.send((seq) => `m${seq}`);
  delivery.handleAck(7);
  expect(delivery.unacknowledged).toEqual(["m1"]);
});
