/** The page `/check` in stock browsers: every path to the server, told in words. */
import type { Page } from "puppeteer-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launchBrowser, type TestBrowser } from "../support/browsers.ts";
import { interfaceAddress, missingPrograms } from "../support/requirements.ts";
import { TestServer } from "../support/server.ts";
import { describeWith } from "../support/suite.ts";

const STEPS = ["secure", "devices", "signaling", "stun", "turnUdp", "turnTcp", "turnTls"] as const;
type Step = (typeof STEPS)[number];

/** All steps together take a second where all works, and some ten each where nothing answers. */
const CHECK_TIMEOUT_MS = 90_000;

describeWith(missingPrograms("chromium"), "the check page in Chromium", () => {
  let browser: TestBrowser;

  beforeAll(async () => {
    browser = await launchBrowser("chromium", { args: ["--ignore-certificate-errors"] });
  });

  afterAll(async () => {
    await browser?.close();
  });

  test("finds every path open, each proven by a call through the relay, in English and Korean", async () => {
    const server = await TestServer.start();
    try {
      const page = await browser.newPage();
      const host = interfaceAddress() ?? "127.0.0.1";
      await page.goto(`https://${host}:${server.port}/check`);
      expect(await outcome(page)).toEqual({
        verdict: "good",
        secure: "SECURE",
        devices: "DEVICES",
        signaling: "SIGNALING",
        stun: "STUN",
        turnUdp: "RELAY",
        turnTcp: "RELAY",
        turnTls: "RELAY",
      });
      expect(await textOf(page, "check-verdict")).toBe("Calls work from here.");
      for (const step of ["turnUdp", "turnTcp", "turnTls"]) {
        expect(await textOf(page, `check-${step}-rtt`)).toMatch(/^\d+ ms$/);
      }
      const metrics = await (await fetch(`${server.url}/metrics`)).text();
      expect(metrics).toMatch(/naru_turn_packets_total\{direction="to peer"\} [1-9]/);
      await page.select('[data-testid="language-select"]', "ko");
      expect(await textOf(page, "check-verdict")).toContain("통화할 수 있");
      await page.close();
    } finally {
      await server.close();
    }
  });

  test("says what a server without a relay does not offer, and still that calls work", async () => {
    const server = await TestServer.start({ flags: { "turn.enabled": false } });
    try {
      const page = await browser.newPage();
      await page.goto(`${server.url}/check`);
      expect(await outcome(page)).toMatchObject({
        verdict: "good",
        stun: "STUN",
        turnUdp: "RELAY_NOT_OFFERED",
        turnTls: "RELAY_NOT_OFFERED",
      });
      await page.close();
    } finally {
      await server.close();
    }
  });

  test("is refused where people need a token and there is none", async () => {
    const server = await TestServer.start({ flags: { "auth.required": true } });
    try {
      const page = await browser.newPage();
      await page.goto(`${server.url}/check`);
      expect(await outcome(page)).toMatchObject({ signaling: "SIGNALING", turnUdp: "NO_CREDENTIALS" });
      await page.close();
    } finally {
      await server.close();
    }
  });
});

/** What the page says when it is done, by its codes. */
async function outcome(page: Page): Promise<Readonly<Record<Step | "verdict", string>>> {
  await page.waitForSelector('[data-testid="check"]:not([data-verdict="running"])', {
    timeout: CHECK_TIMEOUT_MS,
  });
  return page.evaluate((names) => {
    const read = (selector: string, key: string): string =>
      document.querySelector<HTMLElement>(selector)?.dataset[key] ?? "";
    const entries = names.map((name) => [name, read(`[data-testid="check-${name}"]`, "code")] as const);
    const [secure, devices, signaling, stun, turnUdp, turnTcp, turnTls] = entries.map(([, code]) => code);
    return {
      verdict: read('[data-testid="check"]', "verdict"),
      secure: secure ?? "",
      devices: devices ?? "",
      signaling: signaling ?? "",
      stun: stun ?? "",
      turnUdp: turnUdp ?? "",
      turnTcp: turnTcp ?? "",
      turnTls: turnTls ?? "",
    };
  }, STEPS);
}

async function textOf(page: Page, id: string): Promise<string> {
  return page.$eval(`[data-testid="${id}"]`, (element) => element.textContent ?? "");
}
