import { describe, expect, test } from "vitest";
import { SeededRandom } from "../testing/index.ts";
import {
  candidatePriority,
  comparePairPriority,
  interleaveFamilies,
  localPreferenceOf,
  pairPriority,
  pairPriorityValue,
  peerReflexivePriority,
} from "./priority.ts";

describe("the priority of a candidate", () => {
  test("is the one of RFC 8445 §5.1.2.1, also in its examples (§15.1)", () => {
    expect(candidatePriority({ type: "host", protocol: "udp", localPreference: 65_535 })).toBe(2_130_706_431);
    expect(candidatePriority({ type: "srflx", protocol: "udp", localPreference: 65_535 })).toBe(
      1_694_498_815,
    );
    expect(peerReflexivePriority("udp", 65_535)).toBe(1_862_270_975);
  });

  test("puts direct UDP before direct TCP before every relay (RFC 6544 §4.2)", () => {
    const order = [
      candidatePriority({ type: "host", protocol: "udp", localPreference: 0 }),
      candidatePriority({ type: "prflx", protocol: "udp", localPreference: 65_535 }),
      candidatePriority({ type: "srflx", protocol: "udp", localPreference: 65_535 }),
      candidatePriority({ type: "host", protocol: "tcp", localPreference: 65_535 }),
      candidatePriority({ type: "relay", protocol: "udp", relayProtocol: "udp", localPreference: 65_535 }),
      candidatePriority({ type: "relay", protocol: "udp", relayProtocol: "tcp", localPreference: 65_535 }),
      candidatePriority({ type: "relay", protocol: "udp", relayProtocol: "tls", localPreference: 65_535 }),
    ];
    expect(order.toSorted((a, b) => b - a)).toEqual(order);
  });

  test("stays within 31 bits and above 0 for every preference", () => {
    for (const localPreference of [0, 65_535]) {
      for (const type of ["host", "prflx", "srflx", "relay"] as const) {
        for (const protocol of ["udp", "tcp"] as const) {
          const priority = candidatePriority({ type, protocol, localPreference });
          expect(priority).toBeGreaterThan(0);
          expect(priority).toBeLessThan(2 ** 31);
        }
      }
    }
  });
});

describe("local preferences", () => {
  test("fall with the rank and never leave 16 bits", () => {
    expect([0, 1, 65_535, 70_000].map((rank) => localPreferenceOf(rank))).toEqual([65_535, 65_534, 0, 0]);
    const tcp = (["active", "passive", "so"] as const).map((type) => localPreferenceOf(0, type));
    expect(tcp.toSorted((a, b) => b - a)).toEqual(tcp);
    expect(Math.max(...tcp)).toBeLessThanOrEqual(65_535);
  });

  test("take the families in turns, IPv6 with a head start (RFC 8421 §4)", () => {
    const order = (...families: (4 | 6)[]): number[] =>
      interleaveFamilies(families.map((family) => ({ family }))).map(({ family }) => family);
    // Hi = (4 + 4) / 4 = 2.
    expect(order(4, 4, 4, 4, 6, 6, 6, 6)).toEqual([6, 6, 4, 6, 4, 6, 4, 4]);
    expect(order(4, 6)).toEqual([6, 4]);
    expect(order(4, 4)).toEqual([4, 4]);
  });

  test("give the larger family its share", () => {
    const items = [6, 6, 6, 6, 4, 4].map((family, id) => ({
      family: family === 6 ? (6 as const) : (4 as const),
      id,
    }));
    const ordered = interleaveFamilies(items);
    // Hi = 6 / 2 = 3, then one of IPv4 and two of IPv6 in turns.
    expect(ordered.map(({ family }) => family)).toEqual([6, 6, 6, 4, 6, 4]);
    expect(new Set(ordered.map(({ id }) => id)).size).toBe(6);
  });

  test("lose nothing and keep the order within a family", () => {
    const random = new SeededRandom("interleave");
    for (let run = 0; run < 500; run++) {
      const items = Array.from({ length: random.integer(0, 12) }, (_, id) => {
        return { family: random.chance(0.5) ? (6 as const) : (4 as const), id };
      });
      const ordered = interleaveFamilies(items);
      for (const family of [4, 6] as const) {
        const ids = (list: typeof items): number[] =>
          list.filter((item) => item.family === family).map(({ id }) => id);
        expect(ids(ordered)).toEqual(ids(items));
      }
    }
  });
});

describe("the priority of a pair", () => {
  test("is exactly 2^32 MIN + 2 MAX + (G > D) (RFC 8445 §6.1.2.3)", () => {
    const random = new SeededRandom("pairs");
    for (let run = 0; run < 2000; run++) {
      const [g, d] = [random.uint32(), run % 10 === 0 ? 0xffff_ffff : random.uint32()];
      const min = BigInt(Math.min(g, d));
      const max = BigInt(Math.max(g, d));
      expect(pairPriorityValue(pairPriority(g, d))).toBe((min << 32n) + 2n * max + (g > d ? 1n : 0n));
    }
  });

  test("is compared as the whole number would be, also where a double is too short", () => {
    const random = new SeededRandom("compare");
    const near = (): number => 2_130_706_431 - random.integer(0, 2);
    for (let run = 0; run < 2000; run++) {
      const a = pairPriority(near(), near());
      const b = pairPriority(near(), near());
      const [x, y] = [pairPriorityValue(a), pairPriorityValue(b)];
      expect(Math.sign(comparePairPriority(a, b))).toBe(x === y ? 0 : x > y ? -1 : 1);
    }
  });

  test("differs between the sides by who controls, in the last bit only", () => {
    expect(pairPriorityValue(pairPriority(2, 1)) - pairPriorityValue(pairPriority(1, 2))).toBe(1n);
  });
});
