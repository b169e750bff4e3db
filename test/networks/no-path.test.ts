import { afterEach, expect, test } from "vitest";
import { LabCall } from "../support/lab-call.ts";
import { missingLab } from "../support/network-lab.ts";
import { missingNetwork, missingPrograms } from "../support/requirements.ts";
import { describeWith } from "../support/suite.ts";

const missing: string | undefined = missingPrograms("chromium") ?? missingNetwork() ?? missingLab();

/** A path is looked for during 15 s; the rest is for the page and a busy machine. */
const VERDICT_WITHIN_MS = 25_000;

describeWith(missing, "a call that the networks make impossible", () => {
  let call: LabCall | undefined;

  afterEach(async () => {
    await call?.close();
    call = undefined;
  });

  test("both behind symmetric NATs, and the server does not relay: it says so in time, in words", async () => {
    call = await LabCall.start("symmetric", "symmetric", { flags: { "turn.enabled": false } });
    const started = performance.now();
    const verdicts: string[] = [];
    for (const page of [call.mina, call.juno]) {
      const left = VERDICT_WITHIN_MS - (performance.now() - started);
      const state = await page.until("a verdict", ({ remotes }) => remotes[0]?.verdict !== undefined, left);
      verdicts.push(state.remotes[0]?.verdict ?? "");
      await page.page.waitForSelector('[data-testid="verdict"]');
      const shown = await page.page.$eval('[data-testid="verdict"]', (element) => element.textContent ?? "");
      console.log(
        `${page.name}: ${verdicts.at(-1)} after ${Math.round(performance.now() - started)} ms: ${shown}`,
      );
      // Whoever is second to give up quotes the other side's reason.
      expect(shown).toMatch(/does not relay|PATH_NO_RELAY/);
    }
    expect(verdicts).toContain("PATH_NO_RELAY");
  });
});
