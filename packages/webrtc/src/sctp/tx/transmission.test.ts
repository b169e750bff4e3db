import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { add32 } from "../../bytes/index.ts";
import { SackView } from "../chunk/sack.ts";
import { DEFAULT_SCTP_OPTIONS } from "../options.ts";
import { ReceivedTsns } from "../rx/received-tsns.ts";
import { CongestionControl } from "./congestion.ts";
import { OutgoingMessage, UNLIMITED_RETRANSMITS } from "./outgoing-message.ts";
import { OutgoingStream } from "./outgoing-stream.ts";
import { RetransmissionQueue } from "./retransmission-queue.ts";
import { RoundTrip } from "./rto.ts";
import { StreamScheduler } from "./stream-scheduler.ts";

function message(stream = new OutgoingStream(0), maxRetransmits = UNLIMITED_RETRANSMITS): OutgoingMessage {
  return new OutgoingMessage(
    stream,
    new Uint8Array(100),
    53,
    false,
    maxRetransmits,
    Number.POSITIVE_INFINITY,
    true,
  );
}

function sackOf(tsns: ReceivedTsns): SackView {
  const bytes = new Uint8Array(1400);
  const view = new SackView();
  view.read(bytes, 4, tsns.writeSack(bytes, 0, bytes.length, 1e6));
  return view;
}

describe("the retransmission queue", () => {
  test("whatever arrives in whatever order, everything is acknowledged in the end and nothing is in flight", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(99), { minLength: 10, maxLength: 200 }), fc.nat(), (order, salt) => {
        const first = add32(0xffff_ffc0, salt % 100);
        const roundTrip = new RoundTrip(DEFAULT_SCTP_OPTIONS);
        const queue = new RetransmissionQueue(first, 16, roundTrip, () => true);
        const received = new ReceivedTsns(first);
        let packet = 0;
        let now = 0;
        for (let i = 0; i < 100; i++) queue.add(message(), 0, 100, 0, packet++, now);
        expect(queue.flightBytes).toBe(100 * 116);
        const arrive = (tsn: number): void => {
          now += 3;
          if (received.classify(tsn) === "new") received.add(tsn);
          const outcome = queue.handleSack(sackOf(received), now);
          if (outcome === undefined) throw new Error("a good SACK was refused");
          if (outcome.rttMs >= 0) roundTrip.sample(outcome.rttMs, now);
          queue.detectLosses(now);
        };
        for (const offset of order) arrive(add32(first, offset));
        for (let turn = 0; turn < 500 && !queue.isEmpty; turn++) {
          const slot = queue.peekLost();
          if (slot === undefined) {
            queue.loseAll(now, turn % 2 === 0);
            continue;
          }
          const tsn = queue.tsnAt(slot);
          queue.resend(slot, packet++, now);
          arrive(tsn);
        }
        expect(queue.isEmpty).toBe(true);
        expect(queue.flightBytes).toBe(0);
        expect(queue.hasLost).toBe(false);
      }),
      { numRuns: 60 },
    );
  });

  test("three later packets make a loss at once; one or two after a part of a round trip", () => {
    const roundTrip = new RoundTrip(DEFAULT_SCTP_OPTIONS);
    const queue = new RetransmissionQueue(0, 16, roundTrip, () => true);
    roundTrip.sample(100, 0);
    for (let i = 0; i < 5; i++) queue.add(message(), 0, 100, 0, i, 0);
    const received = new ReceivedTsns(0);
    const arrive = (tsn: number, at: number): number => {
      received.add(tsn);
      queue.handleSack(sackOf(received), at);
      return queue.detectLosses(at);
    };
    expect(arrive(1, 100)).toBe(0);
    expect(queue.lossAt).toBe(125);
    expect(arrive(2, 101)).toBe(0);
    expect(arrive(3, 102)).toBe(116);
    expect(queue.peekLost()).toBeDefined();
    expect(queue.tsnAt(queue.peekLost()!)).toBe(0);
  });

  test("a message beyond its retransmissions is given up, and the ack point moves over it and what follows", () => {
    const roundTrip = new RoundTrip(DEFAULT_SCTP_OPTIONS);
    const skipped: OutgoingMessage[] = [];
    const queue = new RetransmissionQueue(0, 16, roundTrip, (one) => skipped.push(one) > 0);
    const unreliable = message(new OutgoingStream(1), 0);
    queue.add(unreliable, 0, 100, 0, 0, 0);
    for (let i = 1; i < 5; i++) queue.add(message(), 0, 100, 0, i, 0);
    const received = new ReceivedTsns(0);
    for (const tsn of [1, 2, 3]) received.add(tsn);
    queue.handleSack(sackOf(received), 100);
    queue.detectLosses(100);
    expect(queue.peekLost()).toBeUndefined();
    queue.advanceAckPoint();
    expect(queue.needsForwardTsn).toBe(true);
    expect(queue.advancedAckPoint).toBe(0);
    expect(skipped).toEqual([unreliable]);
  });

  test("it grows with lost and flying chunks in their order", () => {
    const queue = new RetransmissionQueue(0xffff_fff0, 16, new RoundTrip(DEFAULT_SCTP_OPTIONS), () => true);
    for (let i = 0; i < 30; i++) queue.add(message(), 0, 100, i, i, i);
    queue.loseAll(100, false);
    for (let i = 30; i < 300; i++) queue.add(message(), 0, 100, i, i, i);
    const order = [];
    for (let slot = queue.peekLost(); slot !== undefined; slot = queue.peekLost()) {
      order.push(queue.fsnAt(slot));
      expect(queue.tsnAt(slot)).toBe(add32(0xffff_fff0, queue.fsnAt(slot)));
      queue.resend(slot, 1000, 1000);
    }
    expect(order).toEqual(Array.from({ length: 30 }, (_, i) => i));
    expect(queue.flightBytes).toBe(300 * 116);
  });
});

describe("congestion control", () => {
  const ack = (overrides: Partial<Parameters<CongestionControl["handleAck"]>[0]>) => ({
    ackedBytes: 2_400,
    rttMs: 50,
    minimumRttMs: 50,
    largestPacket: 0,
    nextPacket: 100,
    flightBytes: 10_000,
    isWindowLimited: true,
    lostBytes: 0,
    newestLostPacket: -1,
    ...overrides,
  });

  test("the window grows by what is acknowledged, and only when it was the limit", () => {
    const congestion = new CongestionControl(1200, 10);
    congestion.handleAck(ack({}), 50);
    expect(congestion.windowBytes).toBe(14_400);
    congestion.handleAck(ack({ isWindowLimited: false }), 60);
    expect(congestion.windowBytes).toBe(14_400);
  });

  test("a loss without a queue is noise; with one it is congestion, once a round trip", () => {
    const congestion = new CongestionControl(1200, 100);
    const lost = { lostBytes: 1200, newestLostPacket: 10 };
    congestion.handleAck(ack({ ...lost, isWindowLimited: false }), 50);
    expect(congestion.reductions).toBe(0);
    for (let i = 0; i < 3; i++) congestion.handleAck(ack({ rttMs: 90, isWindowLimited: false }), 100 + i);
    congestion.handleAck(ack({ ...lost, rttMs: 90, nextPacket: 120 }), 110);
    congestion.handleAck(ack({ ...lost, rttMs: 90, nextPacket: 130, newestLostPacket: 115 }), 115);
    expect(congestion.reductions).toBe(1);
    expect(congestion.thresholdBytes).toBe(84_000);
    // The reduction is over when what was sent after it is acknowledged.
    congestion.handleAck(
      ack({ rttMs: 90, largestPacket: 121, nextPacket: 200, isWindowLimited: false }),
      160,
    );
    expect(congestion.isInRecovery).toBe(false);
    expect(congestion.windowBytes).toBe(84_000);
  });

  test("much lost at once is congestion, queue or not", () => {
    const congestion = new CongestionControl(1200, 100);
    congestion.handleAck(ack({ ackedBytes: 60_000, lostBytes: 12_000, newestLostPacket: 5 }), 50);
    expect(congestion.reductions).toBe(1);
  });

  test("a timeout leaves one packet, and is undone when it was wrong", () => {
    const congestion = new CongestionControl(1200, 100);
    congestion.handleTimeout(100_000);
    expect(congestion.windowBytes).toBe(1200);
    expect(congestion.thresholdBytes).toBe(50_000);
    congestion.undoTimeout();
    expect(congestion.windowBytes).toBe(120_000);
  });

  test("idleness halves it for each timeout, down to what it began with", () => {
    const congestion = new CongestionControl(1200, 10);
    congestion.handleAck(ack({ ackedBytes: 100_000 }), 50);
    congestion.handleIdle(1_000, 400);
    expect(congestion.windowBytes).toBe(28_000);
    congestion.handleIdle(100_000, 400);
    expect(congestion.windowBytes).toBe(12_000);
  });
});

describe("the retransmission timeout", () => {
  test("follows RFC 9260 §6.3.1 within its bounds", () => {
    const roundTrip = new RoundTrip({ initialRtoMs: 500, minRtoMs: 100, maxRtoMs: 3_000 });
    expect(roundTrip.rtoMs).toBe(500);
    roundTrip.sample(100, 0);
    expect(roundTrip.rtoMs).toBe(300);
    roundTrip.sample(100, 1);
    expect(roundTrip.rtoMs).toBe(250);
    for (let i = 0; i < 10; i++) roundTrip.backOff();
    expect(roundTrip.rtoMs).toBe(3_000);
    for (let i = 0; i < 100; i++) roundTrip.sample(10, 2 + i);
    expect(roundTrip.rtoMs).toBe(100);
  });

  test("the shortest round trip is forgotten after half a minute", () => {
    const roundTrip = new RoundTrip(DEFAULT_SCTP_OPTIONS);
    roundTrip.sample(20, 0);
    roundTrip.sample(80, 29_000);
    expect(roundTrip.minimumMs).toBe(20);
    roundTrip.sample(80, 30_001);
    expect(roundTrip.minimumMs).toBe(80);
  });
});

test("the scheduler gives each stream its share, whatever the sizes, and newcomers no more than that", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 2, maxLength: 6 }),
      fc.infiniteStream(fc.integer({ min: 1, max: 1200 })),
      (weights, sizes) => {
        const scheduler = new StreamScheduler();
        const streams = weights.map((weight, id) => Object.assign(new OutgoingStream(id), { weight }));
        const served = new Map(streams.map((stream) => [stream, 0]));
        for (const stream of streams.slice(1)) scheduler.add(stream);
        for (let i = 0; i < 6_000; i++) {
          if (i === 1_000) {
            scheduler.add(streams[0]!);
            for (const stream of streams) served.set(stream, 0);
          }
          const stream = scheduler.peek()!;
          const size = sizes.next().value ?? 1;
          scheduler.charge(stream, size);
          served.set(stream, served.get(stream)! + size);
        }
        const shares = streams.map((stream) => served.get(stream)! / stream.weight);
        expect(Math.max(...shares) - Math.min(...shares)).toBeLessThan(2 * 1200 + 1);
      },
    ),
    { numRuns: 20 },
  );
});
