import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HEARTBEAT_TIMEOUT_MS, RESUME_GRACE_MS } from "@naru/signaling/protocol";
import { afterAll, beforeAll, expect, test } from "vitest";
import { killBrowser, launchBrowser, type TestBrowser } from "../support/browsers.ts";
import { MeetingPage } from "../support/meeting-page.ts";
import { missingNetwork, missingPrograms } from "../support/requirements.ts";
import { eventually, TestServer } from "../support/server.ts";
import { describeWith } from "../support/suite.ts";

/** Within this time everybody knows that somebody has left. */
const NOTICED_MS = 10_000;

const missing: string | undefined = missingPrograms("chromium", "firefox", "xvfb") ?? missingNetwork();

describeWith(missing, "a call between Chromium and Firefox", () => {
  const folder = mkdtempSync(join(tmpdir(), "naru-call-"));
  let server: TestServer;
  let chromium: TestBrowser;
  let firefox: TestBrowser;
  let mina: MeetingPage;
  let juno: MeetingPage;

  beforeAll(async () => {
    [server, chromium, firefox] = await Promise.all([
      TestServer.start(),
      launchBrowser("chromium"),
      launchBrowser("firefox", { screen: true }),
    ]);
    mina = await MeetingPage.join(chromium, server.url, "brave-otter-42", "Mina");
    juno = await MeetingPage.join(firefox, server.url, "brave-otter-42", "준호");
  });

  afterAll(async () => {
    await Promise.all([chromium?.close(), firefox?.close(), server?.close()]);
    rmSync(folder, { recursive: true, force: true });
  });

  test("comes up, and both pages show all four phases done", async () => {
    const [seenByMina, seenByJuno] = await Promise.all([mina.untilConnected(1), juno.untilConnected(1)]);
    expect(seenByMina.remotes[0]?.name).toBe("준호");
    expect(seenByJuno.remotes[0]?.name).toBe("Mina");
    for (const [page, state] of [
      [mina, seenByMina],
      [juno, seenByJuno],
    ] as const) {
      const id = state.remotes[0]?.id;
      await page.click(`ribbon-${id}`);
      for (const phase of ["exchange", "path", "security", "media"]) {
        const shown = await page.find(`phase-${phase}`);
        expect(await shown.evaluate((element) => element.getAttribute("data-state")), phase).toBe("done");
      }
      await page.page.keyboard.press("Escape");
    }
  });

  test("pictures move and sound is heard on both sides", async () => {
    for (const [page, other] of [
      [mina, (await juno.state()).selfId],
      [juno, (await mina.state()).selfId],
    ] as const) {
      await page.untilMediaFlows();
      const picture = await eventually(
        `${page.name}: a moving picture`,
        async () => {
          const seen = await page.pictureMoves(`tile-${other}`);
          return seen.changed > 20 && seen;
        },
        20_000,
      );
      expect(picture.width).toBeGreaterThanOrEqual(160);
      expect(picture.height).toBeGreaterThanOrEqual(120);
    }
  });

  test("chat goes both ways, Hangul and symbols included", async () => {
    const hello = "안녕하세요, 준호 님! 👋";
    const answer = 'Hello Mina <b>&amp;</b> "quotes"';
    await mina.say(hello);
    await juno.until("the greeting", ({ messages }) => messages.some(({ text }) => text === hello));
    await juno.say(answer);
    await mina.until("the answer", ({ messages }) => messages.some(({ text }) => text === answer));
    for (const page of [mina, juno]) expect(await page.shownMessages()).toEqual([hello, answer]);
  });

  test.each([
    ["Chromium", "Firefox"],
    ["Firefox", "Chromium"],
  ])("a file of 50 MB from %s arrives in %s with the same hash", async (from) => {
    const [sender, receiver] = from === "Chromium" ? [mina, juno] : [juno, mina];
    const bytes = randomBytes(50_000_000);
    const name = `${from} 사진.bin`;
    const path = join(folder, name);
    writeFileSync(path, bytes);
    const expected = createHash("sha256").update(bytes).digest("hex");
    await sender.sendFile(path);
    const isIt = (transfer: { name: string }): boolean => transfer.name.normalize() === name.normalize();
    const offered = await receiver.until("the offer", ({ transfers }) => transfers.some(isIt));
    const id = offered.transfers.find(isIt)?.id ?? "";
    await receiver.openPanel("files");
    await receiver.click("transfer-accept");
    const done = await receiver.until(
      "the whole file",
      ({ transfers }) =>
        transfers.some((transfer) => isIt(transfer) && !["offered", "active"].includes(transfer.state)),
      120_000,
    );
    expect(done.transfers.find(isIt)).toMatchObject({ state: "done", size: bytes.length, sha256: expected });
    expect(await receiver.receivedHash(id)).toBe(expected);
    const sent = await sender.until("the receipt", ({ transfers }) =>
      transfers.some((transfer) => isIt(transfer) && transfer.state === "done"),
    );
    expect(sent.transfers.find(isIt)?.sha256).toBe(expected);
  });

  test.each(["Chromium", "Firefox"])(
    "a screen shared by %s is seen on the other side, until it is stopped",
    async (by) => {
      const [sharer, viewer] = by === "Chromium" ? [mina, juno] : [juno, mina];
      await sharer.click("share-button");
      await sharer.until("to share", ({ self }) => self.screen === true);
      await viewer.until("the screen", ({ remotes }) => remotes[0]?.hasScreen === true, 20_000);
      await eventually(
        `${viewer.name}: a picture of the screen`,
        async () => (await viewer.pictureMoves("screen-tile")).width >= 320,
        20_000,
      );
      // The camera goes on beside it.
      await viewer.untilMediaFlows();
      await sharer.click("share-button");
      await viewer.until("the screen to go", ({ remotes }) => remotes[0]?.hasScreen === false);
      expect(await viewer.has("screen-tile")).toBe(false);
    },
  );

  test("a microphone and a camera switched off are shown to the other, and come back", async () => {
    await juno.click("mic-button");
    await juno.click("cam-button");
    await mina.until(
      "both off",
      ({ remotes }) => remotes[0]?.state.audio === false && remotes[0].state.video === false,
    );
    const id = (await juno.state()).selfId;
    const tile = await mina.find(`tile-${id}`);
    expect(await tile.$("video")).toBeNull();
    await juno.click("mic-button");
    await juno.click("cam-button");
    await mina.until(
      "both on",
      ({ remotes }) => remotes[0]?.state.audio === true && remotes[0].state.video === true,
    );
    await mina.untilMediaFlows();
    await eventually(
      "a moving picture",
      async () => (await mina.pictureMoves(`tile-${id}`)).changed > 20,
      20_000,
    );
  });

  test("the host mutes, locks the room, keeps a lobby and removes", async () => {
    const id = (await juno.state()).selfId ?? "";
    expect((await mina.state()).role).toBe("host");
    await mina.openPanel("people");
    await mina.click(`mute-${id}`);
    await juno.until("to be muted", ({ self }) => self.audio === false);
    await juno.click("mic-button");
    await juno.until("to speak again", ({ self }) => self.audio === true);

    await mina.click("lock-switch");
    await juno.until("the lock", ({ locked }) => locked === true);
    const late = await MeetingPage.open(chromium, server.url, "brave-otter-42", "Late");
    await late.click("join-button");
    const left = await late.find("left");
    expect(await left.evaluate((element) => element.getAttribute("data-code"))).toBe("ROOM_LOCKED");
    await late.page.close();
    await mina.page.bringToFront();
    await mina.click("lock-switch");
    await juno.until("no lock", ({ locked }) => locked === false);

    await mina.click("lobby-switch");
    await mina.until("a lobby", ({ lobby }) => lobby === true);
    const guest = await MeetingPage.open(chromium, server.url, "brave-otter-42", "Guest");
    await guest.click("join-button");
    await guest.find("lobby");
    await mina.page.bringToFront();
    const { knocking } = await mina.until("somebody at the door", (state) => state.knocking.length === 1);
    await mina.click(`admit-${knocking[0]}`);
    await guest.until("to be inside", ({ state }) => state === "connected");
    const guestId = (await guest.state()).selfId ?? "";
    await mina.openPanel("people");
    await mina.click(`remove-${guestId}`);
    await mina.click("remove-confirm");
    const removed = await guest.find("left");
    expect(await removed.evaluate((element) => element.getAttribute("data-code"))).toBe("REMOVED");
    await juno.until("two again", ({ remotes }) => remotes.length === 1);
    await guest.page.close();
    await mina.page.bringToFront();
    await mina.click("lobby-switch");
    await mina.until("no lobby", ({ lobby }) => lobby === false);
  });

  test("who leaves by the button is gone at once, and may come back", async () => {
    await juno.leave();
    await mina.until("to be alone", ({ remotes }) => remotes.length === 0, NOTICED_MS);
    await juno.find("left");
    await juno.page.close();
    juno = await MeetingPage.join(firefox, server.url, "brave-otter-42", "준호");
    await Promise.all([mina.untilConnected(1), juno.untilConnected(1)]);
    await mina.untilMediaFlows();
  });

  test("no page had an uncaught error so far", () => {
    expect(chromium.errors).toEqual([]);
    expect(firefox.errors).toEqual([]);
  });

  test("a browser that dies is shown as away within 10 s, and gone after the time in which it could come back", async () => {
    const died = performance.now();
    killBrowser(firefox);
    await mina.until(
      "the other to be away",
      ({ remotes }) => remotes.length === 0 || remotes[0]?.presence === "reconnecting",
      NOTICED_MS,
    );
    expect(performance.now() - died).toBeLessThan(NOTICED_MS);
    await mina.until(
      "to be alone",
      ({ remotes }) => remotes.length === 0,
      RESUME_GRACE_MS + HEARTBEAT_TIMEOUT_MS,
    );
  });
});

describeWith(missing, "a call of three", () => {
  let server: TestServer;
  const browsers: TestBrowser[] = [];

  beforeAll(async () => {
    server = await TestServer.start();
    browsers.push(
      ...(await Promise.all([
        launchBrowser("chromium"),
        launchBrowser("chromium"),
        launchBrowser("firefox"),
      ])),
    );
  });

  afterAll(async () => {
    await Promise.all([...browsers.map((browser) => browser.close()), server?.close()]);
  });

  test("everybody sees, hears and reads everybody else, and two go on when one leaves", async () => {
    const names = ["Mina", "Theo", "준호"];
    const pages: MeetingPage[] = [];
    for (const [index, browser] of browsers.entries()) {
      pages.push(await MeetingPage.join(browser, server.url, "three", names[index] ?? ""));
    }
    await Promise.all(pages.map((page) => page.untilConnected(2, 60_000)));
    for (const page of pages) {
      await page.untilMediaFlows(30_000);
      const { remotes } = await page.state();
      for (const { id, name } of remotes) {
        await eventually(
          `${page.name} sees ${name} move`,
          async () => (await page.pictureMoves(`tile-${id}`)).changed > 20,
          30_000,
        );
      }
    }
    for (const page of pages) await page.say(`from ${page.name}`);
    for (const page of pages) await page.until("three messages", ({ messages }) => messages.length === 3);
    const [first, ...rest] = pages;
    await first?.leave();
    for (const page of rest) {
      await page.until("two to be left", ({ remotes }) => remotes.length === 1, NOTICED_MS);
      await page.untilMediaFlows();
    }
    for (const browser of browsers) expect(browser.errors).toEqual([]);
  });
});

describeWith(missing, "a call that cannot be", () => {
  test("says in words in which phase it failed and why, on both sides", async () => {
    const server = await TestServer.start();
    const chromium = await launchBrowser("chromium");
    try {
      // Only relayed candidates, and nobody relays: no path can be found.
      const blocked = await MeetingPage.join(chromium, server.url, "blocked", "Blocked", {
        connection: { iceTransportPolicy: "relay", iceServers: [] },
      });
      const other = await MeetingPage.join(chromium, server.url, "blocked", "Other");
      for (const page of [blocked, other]) {
        await page.page.bringToFront();
        const state = await page.until(
          "a verdict",
          ({ remotes }) => remotes[0]?.verdict !== undefined,
          60_000,
        );
        const remote = state.remotes[0];
        // Who is asked to start over by the other side may hear of it before noticing anything itself.
        expect(remote?.verdict).toMatch(page === blocked ? /^PATH_/ : /^(PATH_|PEER_GAVE_UP)/);
        // The client goes on trying, so the phases begin again; what failed stays said.
        expect(Object.values(remote?.phases ?? {})).not.toEqual(["done", "done", "done", "done"]);
        await page.click(`ribbon-${remote?.id}`);
        // In the tile, and with what to do about it in the inspector.
        await page.page.waitForSelector("section.verdict");
        const shown = await page.page.$$eval('[data-testid="verdict"]', (all) =>
          all.map((one) => ({
            code: one.getAttribute("data-code"),
            words: one.textContent?.trim().split(" ") ?? [],
          })),
        );
        expect(shown.length).toBeGreaterThanOrEqual(2);
        for (const { code, words } of shown) {
          expect(code).toMatch(/^(PATH_|PEER_GAVE_UP)/);
          expect(words.length).toBeGreaterThan(4);
        }
      }
    } finally {
      await Promise.all([chromium.close(), server.close()]);
    }
  });
});
