import { createHash } from "node:crypto";
import type { Page } from "puppeteer-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type BrowserName, launchBrowser, type TestBrowser } from "../support/browsers.ts";
import { ClientServer, eventually, join, look, open, until } from "../support/client-page.ts";
import { missingNetwork, missingPrograms } from "../support/requirements.ts";
import { describeWith } from "../support/suite.ts";

const missing: string | undefined = missingPrograms("chromium", "firefox") ?? missingNetwork();

const PAIRS: readonly (readonly [BrowserName, BrowserName])[] = [
  ["chromium", "firefox"],
  ["firefox", "chromium"],
];

for (const [first, second] of PAIRS) {
  describeWith(missing, `the client in ${first}, joined by ${second}`, () => {
    let server: ClientServer;
    let browsers: readonly TestBrowser[] = [];
    let mina: Page;
    let juno: Page;

    beforeAll(async () => {
      server = await ClientServer.start();
      browsers = await Promise.all([launchBrowser(first), launchBrowser(second)]);
      [mina, juno] = await Promise.all([open(server, browsers[0]), open(server, browsers[1])]);
      await join(mina, "Mina");
      await join(juno, "Juno");
    });

    afterAll(async () => {
      await Promise.all([...browsers.map((browser) => browser.close()), server?.close()]);
    });

    test("connects, and each decodes the other's media", async () => {
      for (const page of [mina, juno]) {
        const seen = await until(page, (now) => now.timeline?.media.state === "done");
        expect(seen.connection).toBe("connected");
        expect([...seen.tracks].sort()).toEqual(["audio", "video"]);
        expect(seen.timeline?.verdict).toBeUndefined();
        expect(seen.timeline?.path.selectedPair?.relayed).toBe(false);
        expect(seen.timeline?.security.localFingerprint).toMatch(/^sha-256 [0-9A-F:]{95}$/);
        expect(seen.timeline?.media.firstDecodedAtMs).toBeGreaterThan(0);
        for (const phase of ["exchange", "path", "security", "media"] as const) {
          expect(seen.timeline?.[phase].state, phase).toBe("done");
        }
      }
      const [one, other] = await Promise.all([look(mina), look(juno)]);
      expect(one.timeline?.security.remoteFingerprint).toBe(other.timeline?.security.localFingerprint);
      await eventually(() =>
        expect(server.reports.map(({ report }) => report.outcome)).toContain("connected"),
      );
    });

    test("chat arrives in order on both sides", async () => {
      for (const text of ["하나", "둘", "셋"]) await mina.evaluate((line) => void room.sendChat(line), text);
      await juno.evaluate(() => void room.sendChat("넷"));
      const seen = await until(juno, (now) => now.chat.length === 4);
      expect(seen.chat.filter((text) => text !== "넷")).toEqual(["하나", "둘", "셋"]);
      await until(mina, (now) => now.chat.length === 4);
    });

    test("a file arrives whole, with the SHA-256 that sha256sum prints", async () => {
      const size = 20_000_003;
      await sendFile(mina, size);
      await acceptFile(juno);
      const [sent, received] = await Promise.all([fileDone(mina), fileDone(juno)]);
      expect(received).toEqual(sent);
      expect(received.state).toBe("done");
      expect(received.bytes).toBe(size);
      expect(received.sha256).toBe(createHash("sha256").update(pattern(size)).digest("hex"));
    });

    test("switching media off and on negotiates nothing and grows nothing", async () => {
      const before = await look(mina);
      await juno.evaluate(async () => {
        await room.localParticipant.setCamera(false);
        await room.localParticipant.setMicrophone(false);
      });
      await eventually(async () => {
        expect(
          await mina.evaluate(() => Array.from(room.remoteParticipants.values(), (p) => p.state)[0]),
        ).toMatchObject({
          audio: false,
          video: false,
        });
      });
      await juno.evaluate(() => room.localParticipant.setCamera(true));
      await eventually(async () => {
        expect(
          await mina.evaluate(() => Array.from(room.remoteParticipants.values(), (p) => p.state)[0]?.video),
        ).toBe(true);
      });
      const after = await look(mina);
      expect(after.timeline?.exchange.offersReceived).toBe(before.timeline?.exchange.offersReceived);
      expect(after.timeline?.exchange.offersSent).toBe(before.timeline?.exchange.offersSent);
    });

    test("a new network restarts ICE, and the connection goes on", async () => {
      await mina.evaluate(() => void globalThis.dispatchEvent(new Event("online")));
      for (const page of [mina, juno]) {
        const seen = await until(
          page,
          (now) =>
            now.connection === "connected" &&
            now.timeline?.path.state === "done" &&
            now.timeline?.media.state === "done",
        );
        expect(seen.timeline?.restarts.filter((restart) => restart.kind === "rebuild")).toEqual([]);
      }
      const seen = await until(mina, (now) => now.timeline?.restarts[0]?.recoveredAtMs !== undefined);
      expect(seen.timeline?.restarts[0]?.reason).toBe("the network changed");
    });

    test("a file goes on where it was when the peer connection is rebuilt in the middle", async () => {
      const size = 60_000_000;
      await sendFile(juno, size);
      await acceptFile(mina);
      await eventually(async () =>
        expect(await mina.evaluate(() => room.transfers.at(-1)?.bytes ?? 0)).toBeGreaterThan(1e6),
      );
      await breakConnection(mina);
      const [sent, received] = await Promise.all([fileDone(juno), fileDone(mina)]);
      expect(received).toEqual(sent);
      expect(received.sha256).toBe(createHash("sha256").update(pattern(size)).digest("hex"));
      await mina.evaluate(() => void room.sendChat("after"));
      await until(juno, (now) => now.chat.at(-1) === "after");
      const seen = await until(mina, (now) => now.timeline?.media.state === "done");
      expect(seen.timeline?.restarts.some((restart) => restart.kind === "rebuild")).toBe(true);
    });

    test("no page reported an error", () => {
      // Firefox reports a lost path as an error of the page.
      const errors = browsers.flatMap((browser) => browser.errors);
      expect(errors.filter((error) => !error.includes("WebRTC: ICE failed"))).toEqual([]);
    });
  });
}

declare const room: import("@naru/client").Room;

/** Ends the peer connection behind the client's back: its own side hears nothing of it, the other side a farewell. */
async function breakConnection(page: Page): Promise<void> {
  await page.evaluate(() => Reflect.get(globalThis, "connections").at(-1).close());
}

/** Bytes that repeat nowhere near, made the same way in the page and here. */
function pattern(size: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(size / 4));
  for (let i = 0; i < words.length; i++) words[i] = Math.imul(i + 1, 2_654_435_761);
  return new Uint8Array(words.buffer, 0, size);
}

async function sendFile(page: Page, size: number): Promise<void> {
  await page.evaluate((size) => {
    const words = new Uint32Array(Math.ceil(size / 4));
    for (let i = 0; i < words.length; i++) words[i] = Math.imul(i + 1, 2_654_435_761);
    room.sendFile(new File([new Uint8Array(words.buffer, 0, size)], "../pattern.bin"));
  }, size);
}

async function acceptFile(page: Page): Promise<void> {
  await eventually(async () => {
    const name = await page.evaluate(() => {
      const transfer = room.transfers.at(-1);
      if (transfer?.direction !== "receive" || transfer.state !== "offered") return undefined;
      transfer.accept();
      return transfer.name;
    });
    expect(name).toBe("pattern.bin");
  });
}

async function fileDone(page: Page): Promise<{ state: string; bytes: number; sha256: string | undefined }> {
  const deadline = Date.now() + 90_000;
  for (;;) {
    const seen = await page.evaluate(() => {
      const transfer = room.transfers.at(-1);
      return { state: transfer?.state ?? "", bytes: transfer?.bytes ?? 0, sha256: transfer?.sha256 };
    });
    if (seen.state !== "active" && seen.state !== "offered") return seen;
    if (Date.now() > deadline) throw new Error(`the file did not arrive: ${JSON.stringify(seen)}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
