import { describe, expect, test } from "vitest";
import { PacketArena } from "../src/kernel/index.ts";
import { SctpAssociation } from "../src/sctp/index.ts";
import { type LinkConditions, LinkDirection, SeededRandom, VirtualClock } from "../src/testing/index.ts";
import { connectSctpPair, sctpEnvironment, takeMessages, takePacket } from "./support/sctp-pair.ts";

const RATE_BPS = 20e6;
const QUEUE_BYTES = 65_536;
const SECONDS = 20;
const MESSAGE = new Uint8Array(65_536);

/** Goodput over the rate of the link, from the first packet on; headers alone take 7 %. */
const CASES = [
  { rttMs: 50, lossRate: 0, least: 0.88 },
  { rttMs: 50, lossRate: 0.001, least: 0.87 },
  { rttMs: 50, lossRate: 0.01, least: 0.8 },
  { rttMs: 150, lossRate: 0, least: 0.85 },
  { rttMs: 150, lossRate: 0.001, least: 0.83 },
  { rttMs: 150, lossRate: 0.01, least: 0.75 },
];

describe("20 Mbit/s with a queue of 64 KiB, 20 s from the start", () => {
  test.each(CASES)(
    "at $rttMs ms and a loss of $lossRate it fills $least of the link",
    ({ rttMs, lossRate, least }) => {
      const { a, pair } = connectSctpPair({
        seed: `throughput ${rttMs} ${lossRate}`,
        link: { delayMs: rttMs / 2, lossRate, rateBps: RATE_BPS, queueBytes: QUEUE_BYTES },
      });
      const end = pair.now() + SECONDS * 1000;
      let received = 0;
      while (pair.now() < end) {
        while (a.bufferedBytes < 1_048_576) a.send(1, 53, MESSAGE, undefined, pair.now());
        pair.advance(50);
        for (const { bytes } of takeMessages(pair.events("b"))) received += bytes.length;
      }
      const share = (received * 8) / SECONDS / RATE_BPS;
      const { retransmittedChunks, congestionEvents, smoothedRttMs } = a.statistics;
      process.stdout.write(
        `rtt ${rttMs} ms, loss ${lossRate * 100} %: ${(share * 100).toFixed(1)} % of the link, ` +
          `${retransmittedChunks} retransmissions, ${congestionEvents} reductions, srtt ${smoothedRttMs?.toFixed(0)} ms\n`,
      );
      expect(share).toBeGreaterThan(least);
    },
  );
});

test.each([
  [50, 0],
  [50, 0.001],
  [150, 0],
])("two flows share a bottleneck of %d ms and loss %d fairly, even if one starts late", (rttMs, lossRate) => {
  const flows = runFlows(2, rttMs, lossRate, [0, 5_000], 60_000, 30_000);
  const total = flows.reduce((sum, bytes) => sum + bytes, 0);
  const jain = total ** 2 / (flows.length * flows.reduce((sum, bytes) => sum + bytes ** 2, 0));
  const share = (total * 8) / 30 / RATE_BPS;
  process.stdout.write(
    `two flows, rtt ${rttMs} ms, loss ${lossRate * 100} %: ${flows.map((bytes) => ((bytes * 8) / 30e6).toFixed(1)).join(" and ")} Mbit/s, Jain ${jain.toFixed(3)}, ${(share * 100).toFixed(0)} % of the link\n`,
  );
  expect(jain).toBeGreaterThan(0.9);
  expect(share).toBeGreaterThan(0.8);
});

/** Bytes that each flow receives in the last part of a run over one shared link. */
function runFlows(
  count: number,
  rttMs: number,
  lossRate: number,
  startsMs: readonly number[],
  durationMs: number,
  measuredMs: number,
): number[] {
  const clock = new VirtualClock();
  const random = new SeededRandom(`flows ${rttMs} ${lossRate}`);
  const arena = new PacketArena(1024);
  const conditions: Partial<LinkConditions> = {
    delayMs: rttMs / 2,
    lossRate,
    rateBps: RATE_BPS,
    queueBytes: QUEUE_BYTES,
  };
  const flows = Array.from({ length: count }, (_, index) => ({
    sender: new SctpAssociation(sctpEnvironment(`flow ${index} a`), arena),
    receiver: new SctpAssociation(sctpEnvironment(`flow ${index} z`), arena),
    received: 0,
  }));
  interface Item {
    readonly to: SctpAssociation;
    readonly bytes: Uint8Array;
  }
  const direction = (label: string): LinkDirection<Item> =>
    new LinkDirection<Item>(
      clock,
      random.fork(label),
      {
        deliver: (item) => item.to.handleInput(item.bytes, clock.now()),
        drop: () => undefined,
        duplicate: (item) => item,
      },
      conditions,
    );
  const up = direction("up");
  const down = direction("down");
  const pump = (from: SctpAssociation, to: SctpAssociation, link: LinkDirection<Item>): void => {
    for (let slot = from.pollTransmit(); slot; slot = from.pollTransmit()) {
      const bytes = takePacket(slot);
      link.send({ to, bytes }, bytes.length + 65);
    }
  };
  for (;;) {
    const now = clock.now();
    flows.forEach((flow, index) => {
      const { sender, receiver } = flow;
      if (now >= (startsMs[index] ?? 0)) {
        if (sender.state === "closed") sender.connect(now);
        while (sender.bufferedBytes < 524_288) sender.send(1, 53, MESSAGE, undefined, now);
      }
      pump(sender, receiver, up);
      pump(receiver, sender, down);
      for (let event = receiver.pollEvent(); event; event = receiver.pollEvent()) {
        if (event.type === "message" && now > durationMs - measuredMs) flow.received += event.bytes.length;
      }
      while (sender.pollEvent() !== undefined);
    });
    const timers = flows.flatMap(({ sender, receiver }) => [sender.pollTimeout(), receiver.pollTimeout()]);
    const starts = startsMs.filter((at) => at > now);
    const next = Math.min(clock.nextAt(), ...timers, ...starts);
    if (next > durationMs) return flows.map(({ received }) => received);
    if (clock.nextAt() <= next) clock.step();
    else clock.advance(Math.max(next, now));
    for (const { sender, receiver } of flows) {
      for (const association of [sender, receiver]) {
        if (association.pollTimeout() <= clock.now()) association.handleTimeout(clock.now());
      }
    }
  }
}
