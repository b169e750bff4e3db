import { describe, expect, test } from "vitest";
import { at, hostCandidate } from "../../test/ice-bench.ts";
import { nodeCrypto } from "../node/index.ts";
import { SeededRandom } from "../testing/index.ts";
import { DEFAULT_ICE_TIMINGS } from "./agent-options.ts";
import { CandidatePair } from "./candidate-pair.ts";
import { IceGeneration } from "./generation.ts";
import { followsNomination, nominationTime, replacementTime } from "./nomination.ts";
import { createIceParameters } from "./parameters.ts";

const NOW = 100_000;

describe("the controlling side nominates", () => {
  test("at once when nothing better can come (RFC 8445 §8.1.1)", () => {
    const generation = ended();
    const best = pair(generation, 2, "succeeded");
    pair(generation, 1, "in-progress");
    expect(nominationTime(generation, best, DEFAULT_ICE_TIMINGS)).toBe(Number.NEGATIVE_INFINITY);
  });

  test("100 ms after the first direct pair, 500 ms after a relayed one, while a better one is open", () => {
    const generation = ended();
    pair(generation, 3, "in-progress");
    const relayed = pair(generation, 1, "succeeded", "relay");
    relayed.validAt = 1000;
    expect(nominationTime(generation, relayed, DEFAULT_ICE_TIMINGS)).toBe(1500);
    const direct = pair(generation, 2, "succeeded");
    direct.validAt = 1100;
    expect(nominationTime(generation, direct, DEFAULT_ICE_TIMINGS)).toBe(1200);
    direct.validAt = 1450;
    expect(nominationTime(generation, direct, DEFAULT_ICE_TIMINGS)).toBe(1500);
  });

  test("later, too, while candidates may still come, unless the pair is as good as it gets", () => {
    const generation = create();
    const relayed = pair(generation, 1, "succeeded", "relay");
    relayed.validAt = 0;
    expect(nominationTime(generation, relayed, DEFAULT_ICE_TIMINGS)).toBe(500);
    const host = pair(generation, 2, "succeeded");
    host.validAt = 0;
    expect(nominationTime(generation, host, DEFAULT_ICE_TIMINGS)).toBe(Number.NEGATIVE_INFINITY);
  });
});

describe("a selected pair is replaced", () => {
  test("by one that was answered since, 1.5 s after its silence began", () => {
    const generation = ended();
    const [selected, other] = [
      pair(generation, 2, "succeeded"),
      pair(generation, 1, "succeeded", "relay", 2),
    ];
    selected.selectedAt = 0;
    other.validAt = 0;
    expect(replacementTime(selected, other, DEFAULT_ICE_TIMINGS)).toBe(Number.POSITIVE_INFINITY);
    selected.unansweredSince = 1000;
    other.lastAnswerAt = 900;
    expect(replacementTime(selected, other, DEFAULT_ICE_TIMINGS)).toBe(Number.POSITIVE_INFINITY);
    other.lastAnswerAt = 1100;
    expect(replacementTime(selected, other, DEFAULT_ICE_TIMINGS)).toBe(2500);
  });

  test("after 0.3 s by one on the same route that came up later: the other side has moved", () => {
    const generation = ended();
    const [selected, other] = [pair(generation, 2, "succeeded"), pair(generation, 1, "succeeded")];
    selected.selectedAt = 0;
    selected.unansweredSince = 1000;
    other.validAt = 1100;
    other.lastAnswerAt = 1100;
    expect(replacementTime(selected, other, DEFAULT_ICE_TIMINGS)).toBe(1300);
  });
});

describe("the controlled side follows", () => {
  test("the first nomination, and every one of a better pair", () => {
    const generation = ended();
    const [good, better] = [pair(generation, 1, "succeeded"), pair(generation, 2, "succeeded")];
    expect(follows(good, undefined)).toBe(true);
    good.isNominated = true;
    expect(follows(better, good)).toBe(true);
  });

  test("not a peer that nominates every pair and means the best (RFC 5245 §8.1.1.2)", () => {
    const generation = ended();
    const [worse, best] = [pair(generation, 1, "succeeded"), pair(generation, 2, "succeeded")];
    best.isNominated = true;
    worse.nominationsInARow = 1;
    expect(follows(worse, best)).toBe(false);
  });

  test("a peer that insists on another pair, or whose pair has fallen silent", () => {
    const generation = ended();
    const [worse, best] = [pair(generation, 1, "succeeded"), pair(generation, 2, "succeeded")];
    best.isNominated = true;
    worse.nominationsInARow = 2;
    expect(follows(worse, best)).toBe(true);
    worse.nominationsInARow = 1;
    best.unansweredSince = NOW - 400;
    expect(follows(worse, best)).toBe(true);
  });

  test("the highest NOMINATION, and the same one from a new address (draft-thatcher-ice-renomination §4)", () => {
    const generation = ended();
    const [worse, best] = [pair(generation, 1, "succeeded"), pair(generation, 2, "succeeded")];
    best.isNominated = true;
    expect(follows(worse, best, 4, 3)).toBe(true);
    expect(follows(worse, best, 3, 3)).toBe(true);
    expect(follows(worse, best, 2, 3)).toBe(false);
    // A late packet of the pair that was just left.
    worse.leftAt = NOW - 100;
    expect(follows(worse, best, 3, 3)).toBe(false);
  });
});

function follows(
  pair: CandidatePair,
  selected: CandidatePair | undefined,
  value?: number,
  highest = 0,
): boolean {
  return followsNomination(pair, selected, value, highest, DEFAULT_ICE_TIMINGS, NOW);
}

function create(): IceGeneration {
  return new IceGeneration(nodeCrypto, 0, createIceParameters(new SeededRandom("nomination")));
}

function ended(): IceGeneration {
  const generation = create();
  generation.isLocalEnded = true;
  generation.isRemoteEnded = true;
  return generation;
}

/** A pair in the generation's list; the higher `rank`, the better. */
function pair(
  generation: IceGeneration,
  rank: number,
  state: CandidatePair["state"],
  type: "host" | "relay" = "host",
  route = 1,
): CandidatePair {
  const local = hostCandidate("192.0.2.1:1000", route, { type });
  const made = new CandidatePair(rank, generation, local, {
    type: "host",
    protocol: "udp",
    tcpType: undefined,
    address: at(`198.51.100.1:${1000 + rank}`),
    priority: 1000 + rank,
    foundation: `${rank}`,
    hostname: undefined,
  });
  made.computePriority(true);
  made.state = state;
  generation.checks.add(made);
  return made;
}
