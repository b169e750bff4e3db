import { describe, expect, test } from "vitest";
import { readCorpus, writeCrash } from "./corpus.ts";
import { type Finding, type FuzzTarget, fuzz } from "./harness.ts";
import { TARGETS } from "./target/index.ts";

/**
 * The same inputs in every run, as many of them as fit the time: a handshake costs more than a parser. This is the regression test;
 * `npm run fuzz` looks for more.
 */
const SEED = 20_261_120;
const INPUTS = 20_000;
const SECONDS = 4;
/** Fewer than this would prove nothing. */
const LEAST_INPUTS = 300;

describe("every target withstands its corpus and inputs made from it", () => {
  test.each(Object.entries(TARGETS))("%s", async (name, load) => {
    const { target } = await load();
    const result = fuzz(target, readCorpus(name), { seed: SEED, inputs: INPUTS, seconds: SECONDS });
    const { finding } = result;
    expect(finding && `${finding.message}\nreplay: ${writeCrash(name, finding, SEED)}`).toBeUndefined();
    expect(result.inputs).toBeGreaterThan(LEAST_INPUTS);
  });
});

describe("the harness", () => {
  test("finds an error that was not promised, and the same one again from the same seed", () => {
    const first = findingOf((bytes) => {
      if (bytes[2] === 0xff) throw new TypeError("not promised");
    });
    const second = findingOf((bytes) => {
      if (bytes[2] === 0xff) throw new TypeError("not promised");
    });
    expect(first.kind).toBe("threw");
    expect(first.input[2]).toBe(0xff);
    expect(second.input).toEqual(first.input);
  });

  test("finds an input that takes too long", () => {
    const finding = findingOf((bytes) => {
      const until = performance.now() + (bytes.length > 6 ? 20 : 0);
      while (performance.now() < until);
    });
    expect(finding.kind).toBe("slow");
  });

  test("finds memory that is kept", () => {
    const kept: Uint8Array[] = [];
    const finding = findingOf(() => {
      kept.push(new Uint8Array(4_096));
    });
    expect(finding.kind).toBe("memory");
  });
});

function findingOf(target: FuzzTarget): Finding {
  const corpus = [Uint8Array.of(1, 2, 3, 4), Uint8Array.of(5, 6, 7, 8, 9)];
  const { finding } = fuzz(target, corpus, { seed: 1, inputs: 10_000 });
  if (finding === undefined) throw new Error("the harness found nothing");
  return finding;
}
