import { afterAll, beforeAll, expect, test } from "vitest";
import { launchBrowser, type TestBrowser } from "../support/browsers.ts";
import { MeetingPage } from "../support/meeting-page.ts";
import { missingNetwork, missingPrograms } from "../support/requirements.ts";
import { delay, TestServer } from "../support/server.ts";
import { describeWith } from "../support/suite.ts";

const missing: string | undefined = missingPrograms("chromium", "firefox") ?? missingNetwork();
/** Time without a decoded picture that a busy machine explains. */
const LONGEST_HICCUP_MS = 2_500;
const ROOM = "outlives-its-server";

describeWith(missing, "the server is killed and started again during a call", () => {
  let server: TestServer;
  let chromium: TestBrowser;
  let firefox: TestBrowser;
  let mina: MeetingPage;
  let juno: MeetingPage;

  beforeAll(async () => {
    [server, chromium, firefox] = await Promise.all([
      TestServer.start(),
      launchBrowser("chromium"),
      launchBrowser("firefox"),
    ]);
    mina = await MeetingPage.join(chromium, server.url, ROOM, "Mina");
    juno = await MeetingPage.join(firefox, server.url, ROOM, "준호");
    await Promise.all([mina.untilConnected(1), juno.untilConnected(1)]);
    await Promise.all([mina.untilMediaFlows(), juno.untilMediaFlows()]);
  });

  afterAll(async () => {
    await Promise.all([chromium?.close(), firefox?.close(), server?.close()]);
  });

  test("pictures and sound never stop, signaling resumes, and the room is as it was", async () => {
    await mina.openPanel("people");
    await mina.click("lock-switch");
    await juno.until("the lock", ({ locked }) => locked === true);
    const [minaBefore, junoBefore] = await Promise.all([mina.state(), juno.state()]);

    const stop = watchForStandstill([mina, juno]);
    await server.kill();
    await Promise.all(
      [mina, juno].map((page) => page.until("to notice", ({ state }) => state === "reconnecting", 10_000)),
    );
    // What people see meanwhile: a banner, and each other.
    await mina.find("banner");
    await mina.say("said while the server was away");
    await juno.until("the message, past the server", ({ messages }) => messages.length === 1);
    // Long enough that media which had stopped with the server could not be taken for a hiccup.
    await delay(2 * LONGEST_HICCUP_MS);
    await server.start();
    const back = performance.now();
    const [minaAfter, junoAfter] = await Promise.all(
      [mina, juno].map((page) => page.until("to be back", ({ state }) => state === "connected", 20_000)),
    );
    expect(performance.now() - back).toBeLessThan(10_000);
    await Promise.all(
      [mina, juno].map((page) =>
        page.until("both present", ({ remotes }) => remotes[0]?.presence === "present"),
      ),
    );
    expect(await stop()).toBeLessThan(LONGEST_HICCUP_MS);

    for (const [before, after] of [
      [minaBefore, minaAfter],
      [junoBefore, junoAfter],
    ]) {
      expect(after?.selfId).toBe(before?.selfId);
      expect(after?.role).toBe(before?.role);
      expect(after?.locked).toBe(true);
      expect(after?.remotes.map(({ id, role }) => ({ id, role }))).toEqual(
        before?.remotes.map(({ id, role }) => ({ id, role })),
      );
    }
  });

  test("afterwards everything that needs the server works", async () => {
    await juno.click("hand-button");
    await mina.until("the hand", ({ remotes }) => remotes[0]?.state.hand === true);
    const late = await MeetingPage.open(chromium, server.url, ROOM, "Late");
    await late.click("join-button");
    const left = await late.find("left");
    expect(await left.evaluate((element) => element.getAttribute("data-code"))).toBe("ROOM_LOCKED");
    await late.page.close();
    await mina.page.bringToFront();
    await mina.openPanel("people");
    await mina.click("lock-switch");
    await juno.until("no lock", ({ locked }) => locked === false);
  });
});

/**
 * Looks at every page four times a second; the answer, once stopped, is the longest time in which one of them decoded
 * no picture, in ms.
 */
function watchForStandstill(pages: readonly MeetingPage[]): () => Promise<number> {
  let stopped = false;
  const watches = pages.map(async (page) => {
    let longest = 0;
    let { framesDecoded } = await page.totals();
    let since = performance.now();
    while (!stopped) {
      await delay(250);
      const totals = await page.totals();
      if (totals.framesDecoded > framesDecoded) since = performance.now();
      framesDecoded = totals.framesDecoded;
      longest = Math.max(longest, performance.now() - since);
    }
    return longest;
  });
  return async () => {
    stopped = true;
    return Math.max(...(await Promise.all(watches)));
  };
}
