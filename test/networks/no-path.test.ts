import { afterEach, expect, test } from "vitest";
import { LabCall } from "../support/lab-call.ts";
import type { MeetingPage } from "../support/meeting-page.ts";
import { missingLab } from "../support/network-lab.ts";
import { missingNetwork, missingPrograms } from "../support/requirements.ts";
import { delay } from "../support/server.ts";
import { describeWith } from "../support/suite.ts";

const missing: string | undefined = missingPrograms("chromium") ?? missingNetwork() ?? missingLab();

/** A path is looked for during 15 s; the rest is for the page and a busy machine. */
const VERDICT_WITHIN_MS = 25_000;

/** The true reason, in words or quoted by its code. */
const REASON = /does not relay|PATH_NO_RELAY/;

describeWith(missing, "a call that the networks make impossible", () => {
  let call: LabCall | undefined;

  afterEach(async () => {
    await call?.close();
    call = undefined;
  });

  test("both behind symmetric NATs, and the server does not relay: it says so in time, in words", async () => {
    call = await LabCall.start("symmetric", "symmetric", { flags: { "turn.enabled": false } });
    const started = performance.now();
    const shown = new Map([call.mina, call.juno].map((page) => [page, ""]));
    // Whoever is second to give up hears of it first, and finds the reason itself a moment later.
    while (![...shown.values()].every((words) => REASON.test(words))) {
      const elapsed = performance.now() - started;
      if (elapsed > VERDICT_WITHIN_MS) break;
      for (const page of shown.keys()) shown.set(page, await verdictOn(page));
      await delay(200);
    }
    for (const [page, words] of shown) {
      console.log(`${page.name} after ${Math.round(performance.now() - started)} ms: ${words}`);
      expect(words, page.name).not.toBe("");
    }
    expect([...shown.values()].some((words) => REASON.test(words))).toBe(true);
  });
});

/** What the page says of the connection, in words; empty while it says nothing. */
function verdictOn(page: MeetingPage): Promise<string> {
  return page.page.$$eval('[data-testid="verdict"]', (elements) => elements[0]?.textContent ?? "");
}
