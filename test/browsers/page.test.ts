import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { AxeResults } from "axe-core";
import type { Page } from "puppeteer-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launchBrowser, type TestBrowser } from "../support/browsers.ts";
import { MeetingPage } from "../support/meeting-page.ts";
import { interfaceAddress, missingNetwork, missingPrograms } from "../support/requirements.ts";
import { TestServer } from "../support/server.ts";
import { describeWith } from "../support/suite.ts";

declare global {
  interface Window {
    /** Made by axe-core when its text is run in the page. */
    axe?: typeof import("axe-core");
  }
}

const missing: string | undefined = missingPrograms("chromium") ?? missingNetwork();
const AXE: string = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

describeWith(missing, "the page", () => {
  let server: TestServer;
  let chromium: TestBrowser;
  const requested = new Set<string>();

  beforeAll(async () => {
    [server, chromium] = await Promise.all([TestServer.start(), launchBrowser("chromium")]);
    chromium.browser.on("targetcreated", async (target) => {
      const page = await target.page();
      if (page !== null) await watchRequests(page);
    });
  });

  afterAll(async () => {
    await Promise.all([chromium?.close(), server?.close()]);
  });

  /** Every address a page asks for, WebSockets included. */
  async function watchRequests(page: Page): Promise<void> {
    page.on("request", (request) => requested.add(request.url()));
    const session = await page.createCDPSession();
    session.on("Network.webSocketCreated", ({ url }) => requested.add(url));
    await session.send("Network.enable");
  }

  test.each(["light", "dark"])("no screen has a barrier that axe can find, %s", async (theme) => {
    const query = `?theme=${theme}`;
    const found: string[] = [];
    const look = async (page: Page, screen: string): Promise<void> => {
      for (const violation of await barriers(page)) found.push(`${screen}: ${violation}`);
    };

    const landing = await chromium.newPage();
    await landing.goto(`${server.url}/${query}`);
    await landing.waitForSelector('[data-testid="room-input"]');
    await look(landing, "landing");
    await landing.close();

    const host = await MeetingPage.open(chromium, server.url, `a11y-${theme}`, "Mina", { query });
    await look(host.page, "before joining");
    await host.click("join-button");
    await host.until("to be inside", ({ state }) => state === "connected");
    await look(host.page, "alone");
    const guest = await MeetingPage.join(chromium, server.url, `a11y-${theme}`, "Theo", { query });
    await guest.untilConnected(1);
    await guest.say("Hello https://example.com");
    await look(guest.page, "in a call, chat");
    await host.page.bringToFront();
    const { remotes } = await host.untilConnected(1);
    await host.openPanel("people");
    await look(host.page, "people");
    await host.openPanel("files");
    await look(host.page, "files");
    await host.click(`ribbon-${remotes[0]?.id}`);
    await host.find("phase-path");
    await look(host.page, "inspector");
    await host.page.keyboard.press("Escape");
    for (const dialog of ["invite", "settings", "shortcuts"]) {
      await host.click("more-button");
      await host.click(`menu-${dialog}`);
      await host.page.waitForSelector("dialog[open]");
      await look(host.page, dialog);
      await host.page.keyboard.press("Escape");
    }
    await host.openPanel("people");
    await host.click("lobby-switch");
    const waiting = await MeetingPage.open(chromium, server.url, `a11y-${theme}`, "Late", { query });
    await waiting.click("join-button");
    await waiting.find("lobby");
    await look(waiting.page, "lobby");
    await host.page.bringToFront();
    await host.find("knocking");
    await look(host.page, "somebody at the door");
    await guest.page.bringToFront();
    await guest.leave();
    await guest.find("left");
    await look(guest.page, "left");
    for (const { page } of [host, guest, waiting]) await page.close();

    expect(found).toEqual([]);
  });

  test("asks nobody but its own server for anything", () => {
    const origins = new Set(
      [...requested]
        .filter((url) => !/^(data|blob|about|chrome-error):/.test(url))
        .map((url) => new URL(url).host),
    );
    expect([...origins]).toEqual([`127.0.0.1:${server.port}`]);
    expect([...requested].some((url) => url.startsWith("ws"))).toBe(true);
  });

  test.each([
    ["ko-KR", "ko", /회의|입장|참여|만들/],
    ["en-US", "en", /meeting|room/i],
  ])("speaks the language of the browser: %s", async (language, expected, words) => {
    const browser = await launchBrowser("chromium", { language });
    try {
      const page = await browser.newPage();
      await page.goto(server.url);
      await page.waitForSelector('[data-testid="room-input"]');
      expect(await page.evaluate(() => document.documentElement.lang)).toBe(expected);
      expect(await page.evaluate(() => document.body.textContent)).toMatch(words);
      expect(browser.errors).toEqual([]);
    } finally {
      await browser.close();
    }
  });

  test("changes its language when it is asked to, and remembers it", async () => {
    const page = await chromium.newPage();
    await page.goto(server.url);
    await page.waitForSelector('[data-testid="language-select"]');
    await page.select('[data-testid="language-select"]', "ko");
    await page.waitForFunction(() => document.documentElement.lang === "ko");
    await page.reload();
    await page.waitForFunction(() => document.documentElement.lang === "ko");
    await page.select('[data-testid="language-select"]', "en");
    await page.waitForFunction(() => document.documentElement.lang === "en");
    await page.close();
  });

  test("on another machine, plain HTTP explains the one more step, and HTTPS shows the page with its camera", async () => {
    const address = interfaceAddress();
    expect(address).toBeDefined();
    const page = await chromium.newPage();
    await page.goto(`http://${address}:${server.port}/r/lan`);
    expect(await page.evaluate(() => window.isSecureContext)).toBe(false);
    const link = await page.$eval(`a[href^="https://"]`, (element) => element.getAttribute("href"));
    expect(link).toBe(`https://${address}:${server.port}/r/lan`);
    for (const violation of await barriers(page)) expect.soft(violation).toBeUndefined();
    await page.close();
    const meeting = await MeetingPage.join(chromium, `https://${address}:${server.port}`, "lan", "Mina");
    expect(await meeting.page.evaluate(() => window.isSecureContext)).toBe(true);
    await meeting.page.close();
  });

  test("Enter sends a Hangul message once, with its last syllable", async () => {
    const host = await MeetingPage.join(chromium, server.url, "hangul", "민아");
    await host.openPanel("chat");
    const field = await host.find("chat-input");
    await field.click();
    const session = await host.page.createCDPSession();
    for (const text of ["ㅎ", "하", "한"]) {
      await session.send("Input.imeSetComposition", {
        text,
        selectionStart: text.length,
        selectionEnd: text.length,
      });
    }
    await session.send("Input.insertText", { text: "한" });
    await session.send("Input.imeSetComposition", { text: "글", selectionStart: 1, selectionEnd: 1 });
    // What Chromium does on Enter while a syllable is open: a key press of the input method, then the end.
    const key = { key: "Process", code: "Enter", windowsVirtualKeyCode: 229 };
    await session.send("Input.dispatchKeyEvent", { type: "rawKeyDown", ...key });
    await session.send("Input.insertText", { text: "글" });
    await session.send("Input.dispatchKeyEvent", { type: "keyUp", ...key });
    await host.until("the message", ({ messages }) => messages.length > 0);
    expect((await host.state()).messages.map(({ text }) => text)).toEqual(["한글"]);
    expect(
      await field.evaluate((element) => (element instanceof HTMLTextAreaElement ? element.value : undefined)),
    ).toBe("");
    await host.page.close();
  });

  test("a message that one's own page cannot show breaks no page but that one, which says so", async () => {
    const host = await MeetingPage.join(chromium, server.url, "impossible", "Mina");
    await host.openPanel("chat");
    const careless = await launchBrowser("chromium");
    try {
      const guest = await MeetingPage.join(careless, server.url, "impossible", "Theo");
      await guest.untilConnected(1);
      await guest.openPanel("chat");
      await guest.page.evaluate(() => {
        Date.now = () => 1e300;
      });
      await guest.say("From the end of time");
      await guest.find("broken");
      // It left, and so after the message.
      await host.until("to be alone again", ({ remotes }) => remotes.length === 0);
    } finally {
      await careless.close();
    }
    await host.page.bringToFront();
    await host.say("Still here");
    expect(await host.shownMessages()).toEqual(["Still here"]);
    expect(await host.has("broken")).toBe(false);
    await host.page.close();
  });

  test("a link from elsewhere puts nobody live, whatever it asks for", async () => {
    const address = interfaceAddress();
    const page = await chromium.newPage();
    const query = "?join=1&name=Mina&mic=1&cam=1";
    await page.goto(`https://${address}:${server.port}/r/live${query}`, { waitUntil: "load" });
    await page.waitForSelector('[data-testid="meeting"]');
    const on = await page.evaluate(() => window.naru?.room?.localParticipant.state);
    expect(on).toMatchObject({ audio: false, video: false });
    await page.close();
  });

  test("a remembered camera that is not plugged in gives way to one that is", async () => {
    const page = await chromium.newPage();
    await page.evaluateOnNewDocument(() => {
      localStorage.setItem("naru.preferences", JSON.stringify({ cameraId: "gone", microphoneId: "gone" }));
    });
    await page.goto(`${server.url}/r/unplugged`);
    await page.waitForFunction(() => {
      const state = window.naru?.room?.localParticipant.state;
      return state?.audio === true && state.video === true;
    });
    expect(await page.$('[data-testid="media-problems"]')).toBeNull();
    await page.evaluate(() => localStorage.removeItem("naru.preferences"));
    await page.close();
  });

  test("the heading of a new screen takes the keyboard, a closed dialog gives it back", async () => {
    const host = await MeetingPage.join(chromium, server.url, "keyboard", "Mina");
    const { page } = host;
    const focused = (): Promise<string | undefined> => page.evaluate(() => document.activeElement?.tagName);
    await page.waitForFunction(() => document.activeElement?.tagName === "H1");
    await page.focus('[data-testid="invite-button"]');
    await page.keyboard.press("Enter");
    await page.waitForSelector("dialog[open]");
    await page.keyboard.press("Escape");
    await page.waitForFunction(() => document.querySelector("dialog") === null);
    const back = await page.evaluate(() => document.activeElement?.getAttribute("data-testid"));
    expect(back).toBe("invite-button");
    // A click with the mouse leaves Space to hold-to-talk.
    await host.click("mic-button");
    await host.until("to be muted", ({ self }) => self.audio === false);
    expect(await focused()).toBe("BODY");
    await page.keyboard.down("Space");
    await host.until("to be heard while Space is held", ({ self }) => self.audio === true);
    await page.keyboard.up("Space");
    await host.until("to be muted again", ({ self }) => self.audio === false);
    await page.close();
  });

  test("no page had an uncaught error", () => {
    expect(chromium.errors).toEqual([]);
  });
});

/** What axe says against WCAG 2.2 A and AA, one line each. */
async function barriers(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  // Half faded in, everything lacks contrast: what is judged is the screen people get to read.
  await page.evaluate(async () => {
    const ends = document
      .getAnimations()
      .filter((one) => one.effect?.getComputedTiming().endTime !== Infinity);
    await Promise.all(ends.map((one) => one.finished.catch(() => undefined)));
  });
  const results: AxeResults = await page.evaluate(async () => {
    const { axe } = window;
    if (axe === undefined) throw new Error("axe is not there");
    return axe.run(document, {
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
      resultTypes: ["violations"],
    });
  });
  return results.violations.flatMap(({ id, nodes }) =>
    nodes.map(
      (node) => `${id}: ${node.html.slice(0, 160)} (${node.failureSummary?.split("\n").at(1)?.trim()})`,
    ),
  );
}
