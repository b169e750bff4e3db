/** A call that goes through the server's relay, when the server is killed and started again. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { launchBrowser, type TestBrowser } from "../support/browsers.ts";
import { MeetingPage } from "../support/meeting-page.ts";
import { missingNetwork, missingPrograms } from "../support/requirements.ts";
import { delay, TestServer } from "../support/server.ts";
import { describeWith } from "../support/suite.ts";

const missing: string | undefined = missingPrograms("chromium") ?? missingNetwork();
/** From the moment the server is ready again until both see new pictures. */
const BACK_WITHIN_MS = 5_000;

describeWith(missing, "a relayed call", () => {
  let server: TestServer;
  let browser: TestBrowser;

  beforeAll(async () => {
    [server, browser] = await Promise.all([
      TestServer.start(),
      launchBrowser("chromium", { args: ["--ignore-certificate-errors"] }),
    ]);
  });

  afterAll(async () => {
    await Promise.all([browser?.close(), server?.close()]);
  });

  test.each([
    ["udp", "turn:"],
    ["tls", "turns:"],
  ])("is back within five seconds after a restart of the server, over %s", async (name, onlyServers) => {
    const options = { connection: { iceTransportPolicy: "relay" } as const, onlyServers };
    const room = `relayed-${name}`;
    const mina = await MeetingPage.join(browser, server.url, room, "Mina", options);
    const juno = await MeetingPage.join(browser, server.url, room, "준호", options);
    const pages = [mina, juno];
    await Promise.all(pages.map((page) => page.untilConnected(1)));
    await Promise.all(pages.map((page) => page.untilMediaFlows()));
    await server.kill();
    await delay(1_000);
    await server.start();
    const readyAt = performance.now();
    await delay(250);
    const before = await Promise.all(pages.map(async (page) => (await page.totals()).framesDecoded));
    const backAfter = await Promise.all(
      pages.map(async (page, i) => {
        while ((await page.totals()).framesDecoded <= (before[i] ?? 0)) {
          if (performance.now() - readyAt > 20_000) break;
          await delay(50);
        }
        return performance.now() - readyAt;
      }),
    );
    for (const ms of backAfter) expect(ms).toBeLessThan(BACK_WITHIN_MS);
    for (const { page } of pages) await page.close();
  });
});
