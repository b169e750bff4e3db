import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join as joinPath } from "node:path";
import { createFileStore } from "@naru/signaling";
import type { Page } from "puppeteer-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launchBrowser, type TestBrowser } from "../support/browsers.ts";
import { ClientServer, eventually, join, look, open, until } from "../support/client-page.ts";
import { missingNetwork, missingPrograms } from "../support/requirements.ts";
import { describeWith } from "../support/suite.ts";

const missing: string | undefined = missingPrograms("chromium", "firefox") ?? missingNetwork();

declare const room: import("@naru/client").Room;

describeWith(missing, "three clients in a mesh", () => {
  const folder = mkdtempSync(joinPath(tmpdir(), "naru-client-"));
  let server: ClientServer;
  let chromium: TestBrowser;
  let firefox: TestBrowser;
  let pages: readonly Page[] = [];

  beforeAll(async () => {
    server = await ClientServer.start({ store: createFileStore(joinPath(folder, "rooms.json")) });
    [chromium, firefox] = await Promise.all([launchBrowser("chromium"), launchBrowser("firefox")]);
    const opened: Page[] = [];
    for (const [browser, name] of [
      [chromium, "Mina"],
      [firefox, "Juno"],
      [chromium, "Sol"],
    ] as const) {
      const page = await open(server, browser);
      await page.bringToFront();
      await join(page, name);
      opened.push(page);
    }
    pages = opened;
  });

  afterAll(async () => {
    await Promise.all([chromium?.close(), firefox?.close(), server?.close()]);
    rmSync(folder, { recursive: true, force: true });
  });

  test("everybody is connected to everybody", async () => {
    for (const page of pages) {
      await eventually(async () => expect(await connections(page)).toEqual(["connected", "connected"]));
    }
  });

  test("while the server is away media flows, and what is written arrives", async () => {
    const [mina, juno] = pages;
    if (mina === undefined || juno === undefined) throw new Error("a page is missing");
    await server.stopSignaling();
    await until(mina, (now) => now.state === "reconnecting");
    const before = await bytesReceived(mina);
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    expect(await bytesReceived(mina)).toBeGreaterThan(before + 10_000);
    expect(await connections(mina)).toEqual(["connected", "connected"]);
    await mina.evaluate(() => void room.sendChat("still here"));
    await until(juno, (now) => now.chat.includes("still here"));
    await juno.evaluate(() => room.localParticipant.setHand(true));
  });

  test("after the restart everything is as it was: same people, same connections, and the news", async () => {
    const before = await Promise.all(pages.map(look));
    await server.startSignaling();
    for (const [index, page] of pages.entries()) {
      await until(page, (now) => now.state === "connected");
      const seen = await look(page);
      expect(seen.generation).toBe(before[index]?.generation);
      expect(seen.timeline?.restarts).toEqual(before[index]?.timeline?.restarts);
      expect(await connections(page)).toEqual(["connected", "connected"]);
    }
    await eventually(async () => {
      const hands = await pages[0]?.evaluate(() =>
        Array.from(room.remoteParticipants.values(), (participant) => participant.state.hand === true),
      );
      expect(hands).toContain(true);
    });
  });

  test("a server that has forgotten everybody gets them back as new people, connected anew", async () => {
    const before = await pages[0]?.evaluate(() => room.localParticipant.id);
    await server.stopSignaling();
    rmSync(joinPath(folder, "rooms.json"), { force: true });
    await server.startSignaling();
    for (const page of pages) {
      await until(page, (now) => now.state === "connected");
      await eventually(async () => expect(await connections(page)).toEqual(["connected", "connected"]));
    }
    expect(await pages[0]?.evaluate(() => room.localParticipant.id)).not.toBe(before);
  });

  test("a shared screen is told from the camera, and ends when the browser ends it", async () => {
    const [mina, juno] = pages;
    if (mina === undefined || juno === undefined) throw new Error("a page is missing");
    await mina.bringToFront();
    await mina.evaluate(() => room.localParticipant.setScreenShare(true));
    await eventually(async () => expect(await screens(juno)).toContain("video"));
    const size = await juno.evaluate(async () => {
      const participant = [...room.remoteParticipants.values()].find((other) => other.screen !== undefined);
      const video = document.createElement("video");
      video.muted = true;
      video.srcObject = participant?.screen ?? null;
      await video.play();
      return video.videoWidth;
    });
    expect(size).toBeGreaterThan(0);
    await mina.evaluate(() => {
      const [track] = room.localParticipant.screen?.getVideoTracks() ?? [];
      track?.stop();
      track?.dispatchEvent(new Event("ended"));
    });
    await eventually(async () => expect(await screens(juno)).toEqual([]));
  });

  test("whoever closes the page is gone at once, and the others stay connected", async () => {
    await pages[2]?.close();
    await eventually(async () => expect(await connections(pages[0])).toEqual(["connected"]));
    await eventually(async () => expect(await connections(pages[1])).toEqual(["connected"]));
  });
});

async function connections(page: Page | undefined): Promise<string[]> {
  return (
    (await page?.evaluate(() => Array.from(room.remoteParticipants.values(), (other) => other.connection))) ??
    []
  );
}

async function screens(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    [...room.remoteParticipants.values()].flatMap(
      (other) => other.screen?.getTracks().map((track) => track.kind) ?? [],
    ),
  );
}

/** Of all connections together. */
async function bytesReceived(page: Page): Promise<number> {
  return page.evaluate(async () => {
    let bytes = 0;
    const all: RTCPeerConnection[] = Reflect.get(globalThis, "connections");
    for (const connection of all) {
      const report = await connection.getStats();
      report.forEach((entry) => {
        if (entry.type === "inbound-rtp") bytes += entry.bytesReceived;
      });
    }
    return bytes;
  });
}
