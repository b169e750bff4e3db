/**
 * Feeds a target what a hostile network could send, and tells what it must never do: throw what it has not promised,
 * take long over a datagram, or keep memory.
 *
 * Node has no coverage feedback without native code. What stands in for it: each new *reason* for which a target
 * refuses an input marks new ground, and the input joins the pool that later inputs are made from.
 */

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { ProtocolError } from "@naru/webrtc/sansio";
import { Chance, nextInput } from "./mutate.ts";

/** A target: takes one input and returns. It may throw a {@link ProtocolError}, nothing else. */
export type FuzzTarget = (bytes: Uint8Array) => void;

/** What a run is given. */
export interface FuzzOptions {
  /** Everything random follows from it. */
  readonly seed: number;
  /** Ends after so many inputs. */
  readonly inputs?: number;
  /** Ends after so much time, whichever comes first. */
  readonly seconds?: number;
  /** Largest input, in bytes. Default 1500, a datagram. */
  readonly maxBytes?: number;
}

/** An input that did what it must not. */
export interface Finding {
  readonly kind: "threw" | "slow" | "memory";
  readonly message: string;
  readonly input: Uint8Array;
}

/** What a run saw. */
export interface FuzzResult {
  readonly inputs: number;
  /** Different reasons for which inputs were refused. */
  readonly reasons: number;
  readonly slowestMs: number;
  /** Growth of the heap after collection, from the end of the warm-up to the end. */
  readonly heapGrowthBytes: number;
  readonly finding: Finding | undefined;
}

/** An input of a datagram's size may take this long, measured again to exclude the collector's pauses. */
export const MAX_INPUT_MS = 5;
/** Growth that is not explained by caches and compiled code. */
export const MAX_HEAP_GROWTH_BYTES: number = 10 * 1024 * 1024;

const MAX_POOL = 2_000;
const WARM_UP_SHARE = 0.25;
const REMEASUREMENTS = 5;

/** Runs a target over its corpus, then over inputs made from it, until the limit or the first finding. */
export function fuzz(target: FuzzTarget, corpus: readonly Uint8Array[], options: FuzzOptions): FuzzResult {
  const chance = new Chance(options.seed);
  const maxBytes = options.maxBytes ?? 1_500;
  const pool = [...corpus];
  const reasons = new Set<string>();
  const started = performance.now();
  const deadline = started + (options.seconds ?? Number.POSITIVE_INFINITY) * 1_000;
  const limit = options.inputs ?? Number.POSITIVE_INFINITY;
  let slowestMs = 0;
  let heapBefore: number | undefined;
  let inputs = 0;
  let finding: Finding | undefined;

  while (finding === undefined && inputs < limit && performance.now() < deadline) {
    const input = inputs < corpus.length ? corpus[inputs]!.slice() : nextInput(pool, maxBytes, chance);
    const before = performance.now();
    const outcome = tryInput(target, input);
    const took = performance.now() - before;
    inputs++;
    if (outcome.finding !== undefined) finding = outcome.finding;
    else if (outcome.reason !== undefined && !reasons.has(outcome.reason)) {
      reasons.add(outcome.reason);
      if (pool.length < MAX_POOL) pool.push(input);
    }
    if (took > MAX_INPUT_MS) finding ??= slowness(target, input);
    else slowestMs = Math.max(slowestMs, took);
    const progress = Math.max(inputs / limit, (performance.now() - started) / (deadline - started));
    if (heapBefore === undefined && progress >= WARM_UP_SHARE) heapBefore = heapInUse();
  }

  const heapGrowthBytes = heapBefore === undefined ? 0 : heapInUse() - heapBefore;
  if (finding === undefined && heapGrowthBytes > MAX_HEAP_GROWTH_BYTES) {
    const message = `the heap grew by ${heapGrowthBytes} bytes over ${inputs} inputs`;
    finding = { kind: "memory", message, input: new Uint8Array(0) };
  }
  return { inputs, reasons: reasons.size, slowestMs, heapGrowthBytes, finding };
}

/** Runs one input, for the replay of a finding. */
export function tryInput(target: FuzzTarget, input: Uint8Array): { reason?: string; finding?: Finding } {
  const kept = input.slice();
  try {
    target(input);
    return {};
  } catch (error) {
    // The numbers in a message (lengths, offsets) do not make another reason.
    if (error instanceof ProtocolError)
      return { reason: `${error.code} ${error.message.replaceAll(/\d+/g, "#")}` };
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { finding: { kind: "threw", message, input: kept } };
  }
}

function slowness(target: FuzzTarget, input: Uint8Array): Finding | undefined {
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < REMEASUREMENTS; i++) {
    // Processor time: on a machine that is busy with something else the clock says nothing about the input.
    const before = process.cpuUsage();
    tryInput(target, input.slice());
    const { user, system } = process.cpuUsage(before);
    best = Math.min(best, (user + system) / 1000);
  }
  if (best <= MAX_INPUT_MS) return undefined;
  const message = `${input.length} bytes took ${best.toFixed(1)} ms at best, more than ${MAX_INPUT_MS} ms`;
  return { kind: "slow", message, input };
}

let collect: (() => void) | undefined;

function heapInUse(): number {
  if (collect === undefined) {
    setFlagsFromString("--expose-gc");
    const gc: unknown = runInNewContext("gc");
    collect = typeof gc === "function" ? () => void gc() : () => undefined;
  }
  collect();
  collect();
  const usage = process.memoryUsage();
  return usage.heapUsed + usage.external;
}
