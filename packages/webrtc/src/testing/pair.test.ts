import { expect, test } from "vitest";
import { type Core, type Millis, TimerTable } from "../sansio/index.ts";
import { Pair, type PairOptions } from "./pair.ts";
import { VirtualTimeoutError } from "./virtual-clock.ts";

const RESEND_MS = 100;

type Event = { readonly type: "received"; readonly value: number } | { readonly type: "done" };

/** Stop and wait: sends numbers one at a time, each until it is acknowledged. */
class StopAndWait implements Core<Uint8Array, Uint8Array, Event> {
  readonly #toSend: number[] = [];
  readonly #transmits: Uint8Array[] = [];
  readonly #events: Event[] = [];
  readonly #timers = new TimerTable(["resend"]);
  readonly kept: Uint8Array[] = [];
  #expected = 0;
  #sending = 0;
  sentCount = 0;

  send(count: number, now: Millis): void {
    for (let i = 0; i < count; i++) this.#toSend.push(i);
    this.#transmitCurrent(now);
  }

  handleInput(input: Uint8Array, now: Millis): void {
    this.kept.push(input);
    const [kind, value] = input;
    if (kind === 1) {
      this.#transmits.push(Uint8Array.of(2, value!));
      if (value === this.#expected) {
        this.#expected++;
        this.#events.push({ type: "received", value: value! });
      }
      return;
    }
    if (value !== this.#sending) return;
    this.#sending++;
    this.#toSend.shift();
    if (this.#toSend.length === 0) {
      this.#timers.stopAll();
      this.#events.push({ type: "done" });
      return;
    }
    this.#transmitCurrent(now);
  }

  handleTimeout(now: Millis): void {
    while (this.#timers.expire(now) !== undefined) this.#transmitCurrent(now);
  }

  pollTransmit(): Uint8Array | undefined {
    return this.#transmits.shift();
  }

  pollEvent(): Event | undefined {
    return this.#events.shift();
  }

  pollTimeout(): Millis {
    return this.#timers.next();
  }

  #transmitCurrent(now: Millis): void {
    this.sentCount++;
    this.#transmits.push(Uint8Array.of(1, this.#sending));
    this.#timers.set("resend", now + RESEND_MS);
  }
}

const BYTES: PairOptions<Uint8Array, Uint8Array> = {
  seed: "pair",
  bytesOf: (transmit) => transmit,
  toInput: (bytes) => bytes,
};

test("two cores talk over a lossy link until they are done, in virtual time", () => {
  const a = new StopAndWait();
  const pair = new Pair(a, new StopAndWait(), { ...BYTES, link: { lossRate: 0.3, delayMs: 10 } });
  a.send(20, pair.now());
  pair.driveUntil(() => pair.events("a").length > 0);
  const values = pair.events("b").map((event) => (event.type === "received" ? event.value : -1));
  expect(values).toEqual(Array.from({ length: 20 }, (_, i) => i));
  expect(a.sentCount).toBeGreaterThan(20);
  expect(pair.now()).toBeGreaterThan(20 * 20 + RESEND_MS);
});

test("the same seed gives the same ladder, another seed another", () => {
  const run = (seed: string): string => {
    const a = new StopAndWait();
    const pair = new Pair(a, new StopAndWait(), { ...BYTES, seed, link: { lossRate: 0.3, jitterMs: 5 } });
    a.send(20, pair.now());
    pair.drive();
    return pair.ladder.render();
  };
  expect(run("x")).toBe(run("x"));
  expect(run("x")).not.toBe(run("y"));
  expect(run("x")).toMatch(/ {2}a → b {5}2 {2}data {2}✓ b \+1\.\d{3}/);
});

test("drive ends when nothing is on the way and no timer is near", () => {
  const a = new StopAndWait();
  const pair = new Pair(a, new StopAndWait(), { ...BYTES, link: { delayMs: 40 } });
  a.send(3, pair.now());
  pair.drive();
  expect(pair.inFlight).toBe(0);
  expect(pair.now()).toBe(3 * 80);
});

test("what never happens ends at the limit, with the last packets in the error", () => {
  const a = new StopAndWait();
  const pair = new Pair(a, new StopAndWait(), { ...BYTES, link: { up: { lossRate: 1 } } });
  a.send(1, pair.now());
  expect(() => pair.driveUntil(() => pair.events("a").length > 0, 1000)).toThrow(VirtualTimeoutError);
  expect(pair.now()).toBe(1000);
  expect(() => pair.driveUntil(() => false, 10)).toThrow(/a → b .*✗ link: lost/);
  expect(a.sentCount).toBe(11);
});

test("advance lets just so much time pass, timers included", () => {
  const a = new StopAndWait();
  const pair = new Pair(a, new StopAndWait(), { ...BYTES, link: { lossRate: 1 } });
  a.send(1, pair.now());
  pair.advance(RESEND_MS * 2.5);
  expect(pair.now()).toBe(250);
  expect(a.sentCount).toBe(3);
});

test("bytes are lent: a core that keeps them without a copy finds them overwritten", () => {
  const [a, b] = [new StopAndWait(), new StopAndWait()];
  const pair = new Pair(a, b, BYTES);
  a.send(1, pair.now());
  pair.drive();
  expect(b.kept[0]).toEqual(Uint8Array.of(0xdb, 0xdb));
});

test("an injected packet reaches one side only", () => {
  const [a, b] = [new StopAndWait(), new StopAndWait()];
  const pair = new Pair(a, b, BYTES);
  pair.inject("b", Uint8Array.of(1, 0));
  expect(pair.events("b")).toEqual([{ type: "received", value: 0 }]);
  expect(pair.ladder.count).toBe(1);
});

test("a core whose timer is due for ever is found out", () => {
  const stuck = new StopAndWait();
  stuck.pollTimeout = () => 0;
  const pair = new Pair(stuck, new StopAndWait(), BYTES);
  expect(() => pair.advance(10)).toThrow(/asks again and again/);
});
