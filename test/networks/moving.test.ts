import { afterEach, expect, test } from "vitest";
import { LabCall } from "../support/lab-call.ts";
import { missingLab } from "../support/network-lab.ts";
import { missingNetwork, missingPrograms } from "../support/requirements.ts";
import { describeWith } from "../support/suite.ts";

const missing: string | undefined = missingPrograms("chromium") ?? missingNetwork() ?? missingLab();

/** Noticing takes most of it: nothing tells a browser that the old path is dead. */
const BACK_WITHIN_MS = 15_000;

describeWith(missing, "somebody changes the network during a call", () => {
  let call: LabCall | undefined;

  afterEach(async () => {
    await call?.close();
    call = undefined;
  });

  test("the call comes back by itself, with the same people", async () => {
    call = await LabCall.start("port-restricted", "port-restricted");
    await call.untilConnected();
    const { lab, mina, juno } = call;
    const pages = [mina, juno];
    await Promise.all(pages.map((page) => page.untilMediaFlows()));
    const [before] = await call.paths();
    const ids = (await Promise.all(pages.map((page) => page.state()))).map(({ selfId }) => selfId);

    lab.moveSite("mina", "carrier-grade");
    const moved = performance.now();
    const back = await Promise.all(
      pages.map(async (page) => {
        // More than were on their way.
        await page.untilPictures(20, 3 * BACK_WITHIN_MS);
        return performance.now() - moved;
      }),
    );
    for (const [index, page] of pages.entries()) {
      console.log(`${page.name}: pictures ${Math.round(back[index] ?? 0)} ms after the change of network`);
    }
    await call.untilConnected();
    const [after] = await call.paths();
    expect(after.address).not.toBe(before.address);
    expect((await Promise.all(pages.map((page) => page.state()))).map(({ selfId }) => selfId)).toEqual(ids);
    expect(Math.max(...back)).toBeLessThan(BACK_WITHIN_MS);
  });
});
