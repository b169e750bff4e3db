import type { Verdict } from "@naru/webrtc/timeline";
import { expect, test } from "vitest";
import { createBrowserPlatform } from "../platform/browser.ts";
import { LinkTimeline } from "./link-timeline.ts";

interface Setup {
  readonly timeline: LinkTimeline;
  readonly verdicts: Verdict[];
  /** Lets time pass, and the statistics be read whenever they are due. */
  advance(ms: number): Promise<void>;
}

/** A connection that is up, over which nothing comes. */
function setUp(): Setup {
  let now = 0;
  let due: { readonly at: number; readonly run: () => void } | undefined;
  const verdicts: Verdict[] = [];
  const timeline = new LinkTimeline({
    platform: {
      ...createBrowserPlatform(),
      now: () => now,
      wallClock: () => now,
      setTimer: (run, delayMs) => {
        const timer = { at: now + delayMs, run };
        due = timer;
        const cancel = (): void => {
          if (due === timer) due = undefined;
        };
        return { cancel };
      },
    },
    onChange: () => undefined,
    onMediaVerdict: (verdict) => verdicts.push(verdict),
  });
  timeline.record({ type: "description", kind: "answer", direction: "received" });
  timeline.record({ type: "ice", state: "connected" });
  timeline.record({ type: "dtls", state: "connected" });
  timeline.record({ type: "dataOpen" });
  timeline.watch({ getStats: async () => new Map() });
  return {
    timeline,
    verdicts,
    async advance(ms) {
      const end = now + ms;
      while (due !== undefined && due.at <= end) {
        const { at, run } = due;
        due = undefined;
        now = at;
        run();
        await new Promise((resolve) => setImmediate(resolve));
      }
      now = end;
    },
  };
}

test("media that is announced a minute into a call, and never comes, is said ten seconds later", async () => {
  const { timeline, verdicts, advance } = setUp();
  await advance(60_000);
  timeline.recordExpectation({ audio: true });
  await advance(9_000);
  expect(verdicts).toEqual([]);
  await advance(2_000);
  expect(verdicts.map(({ code }) => code)).toEqual(["MEDIA_NONE_RECEIVED"]);
  expect(timeline.snapshot().media.state).toBe("failed");
});

test("media is not missed while the path is being repaired", async () => {
  const { timeline, verdicts, advance } = setUp();
  timeline.recordExpectation({ video: true });
  await advance(5_000);
  timeline.record({ type: "ice", state: "disconnected" });
  await advance(30_000);
  timeline.record({ type: "ice", state: "connected" });
  await advance(9_000);
  expect(verdicts).toEqual([]);
  await advance(3_000);
  expect(verdicts).toHaveLength(1);
});
