import { describe, expect, test } from "vitest";
import { at, hostCandidate } from "../../test/ice-bench.ts";
import { nodeCrypto } from "../node/index.ts";
import { SeededRandom } from "../testing/index.ts";
import { CandidatePair } from "./candidate-pair.ts";
import { CheckList, MAX_PAIRS } from "./check-list.ts";
import { IceGeneration } from "./generation.ts";
import { createIceParameters } from "./parameters.ts";
import { comparePairPriority } from "./priority.ts";

describe("a check list", () => {
  test("is ordered by priority whatever the order of arrival (RFC 8445 §6.1.2.3)", () => {
    const random = new SeededRandom("order");
    const list = new CheckList();
    for (let i = 0; i < 60; i++) list.add(pair(i, random.integer(0, 10)));
    for (let i = 1; i < list.pairs.length; i++) {
      const [before, after] = [list.pairs[i - 1], list.pairs[i]];
      if (before === undefined || after === undefined) throw new Error("there are two");
      expect(comparePairPriority(before.priority, after.priority)).toBeLessThanOrEqual(0);
    }
  });

  test("has no two pairs on one way (RFC 8445 §6.1.2.4)", () => {
    const list = new CheckList();
    expect(list.add(pair(1, 1))).toBeUndefined();
    expect(list.add(pair(1, 2))).toBe("redundant");
    expect(list.pairs).toHaveLength(1);
  });

  test("drops the lowest above its limit, never one that works (RFC 8445 §6.1.2.5)", () => {
    const list = new CheckList();
    const working = pair(0, 0);
    working.state = "succeeded";
    list.add(working);
    for (let i = 1; i < MAX_PAIRS; i++) list.add(pair(i, i));
    expect(list.add(pair(500, 1))).toBe("full");
    expect(list.add(pair(501, 5000))).toBeUndefined();
    expect(list.pairs).toHaveLength(MAX_PAIRS);
    expect(list.pairs).toContain(working);
    expect(list.pairs.map(({ id }) => id)).not.toContain(1);
  });

  test("checks one of a foundation first, and the others when that one works or takes long (RFC 8445 §6.1.4.2)", () => {
    const list = new CheckList();
    const [best, same, other] = [pair(1, 30, "f"), pair(2, 20, "f"), pair(3, 10, "g")];
    for (const one of [best, same, other]) list.add(one);
    expect(list.next(0)).toBe(best);
    best.state = "in-progress";
    best.startedAt = 0;
    expect(list.next(0)).toBe(other);
    other.state = "in-progress";
    expect(list.next(0)).toBeUndefined();
    expect(list.next(500)).toBe(same);
    best.state = "succeeded";
    expect(list.next(0)).toBe(same);
  });

  test("forgets a pair wholly", () => {
    const list = new CheckList();
    const one = pair(1, 1);
    list.add(one);
    expect(list.find(1, one.remote.address)).toBe(one);
    list.remove(one);
    expect(list.find(1, one.remote.address)).toBeUndefined();
    expect(list.add(pair(1, 1))).toBeUndefined();
  });
});

const generation = new IceGeneration(nodeCrypto, 0, createIceParameters(new SeededRandom("list")));

/** A pair to the `id`-th address; the higher `rank`, the better. */
function pair(id: number, rank: number, foundation = `${id}`): CandidatePair {
  const local = hostCandidate("192.0.2.1:1000", 1);
  const made = new CandidatePair(id, generation, local, {
    type: "host",
    protocol: "udp",
    tcpType: undefined,
    address: at(`198.51.100.1:${1000 + id}`),
    priority: 1000 + rank,
    foundation,
    hostname: undefined,
  });
  made.computePriority(true);
  return made;
}
