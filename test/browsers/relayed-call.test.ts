import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launchBrowser, type TestBrowser } from "../support/browsers.ts";
import { MeetingPage, type SelectedPath } from "../support/meeting-page.ts";
import { type DatagramKind, RelayCapture } from "../support/relay-capture.ts";
import { interfaceAddress, missingNetwork, missingPrograms } from "../support/requirements.ts";
import { delay, eventually, TestServer } from "../support/server.ts";
import { describeWith } from "../support/suite.ts";

const missing: string | undefined = missingPrograms("chromium", "firefox", "tcpdump") ?? missingNetwork();

/** Ports of relayed addresses: browsers use none of these for themselves. */
const RELAY_PORTS = { first: 20_000, last: 20_100 };
const BACK_WITHIN_MS = 5_000;
/** Pictures on their way when the server ends are decoded within this time. */
const LAST_PICTURES_MS = 500;

describeWith(missing, "a call between Chromium and Firefox, forced through the relay", () => {
  const folder = mkdtempSync(join(tmpdir(), "naru-relayed-"));
  const host = interfaceAddress() ?? "";
  let server: TestServer;
  let chromium: TestBrowser;
  let firefox: TestBrowser;
  let mina: MeetingPage;
  let juno: MeetingPage;
  let calls = 0;

  beforeAll(async () => {
    [server, chromium, firefox] = await Promise.all([
      TestServer.start({
        flags: { "turn.host": host, "turn.ports": `${RELAY_PORTS.first}-${RELAY_PORTS.last}` },
      }),
      // Chromium takes its word for the relay's certificate too.
      launchBrowser("chromium", { args: ["--ignore-certificate-errors"] }),
      launchBrowser("firefox"),
    ]);
  });

  afterAll(async () => {
    await Promise.all([chromium?.close(), firefox?.close(), server?.close()]);
    rmSync(folder, { recursive: true, force: true });
  });

  /** Both meet in a new room, with no way but the servers whose URL begins so. */
  async function meet(onlyServers: string, second = firefox): Promise<void> {
    await Promise.all([mina?.page.close(), juno?.page.close()]);
    const room = `relayed-${++calls}`;
    const options = { connection: { iceTransportPolicy: "relay" }, onlyServers } as const;
    mina = await MeetingPage.join(chromium, server.url, room, "Mina", options);
    juno = await MeetingPage.join(second, server.url, room, "준호", options);
    await Promise.all([mina.untilConnected(1), juno.untilConnected(1)]);
  }

  async function expectMediaAndChat(): Promise<void> {
    for (const [page, other] of [
      [mina, juno],
      [juno, mina],
    ] as const) {
      await page.page.bringToFront();
      await page.untilMediaFlows();
      const id = (await other.state()).selfId;
      await eventually(
        `${page.name}: a moving picture`,
        async () => (await page.pictureMoves(`tile-${id}`)).changed > 20,
        20_000,
      );
    }
    const text = `through the relay, ${calls}`;
    await mina.page.bringToFront();
    await mina.say(text);
    await juno.until("the message", ({ messages }) => messages.some((message) => message.text === text));
  }

  async function expectPaths(relayProtocol: string): Promise<void> {
    for (const page of [mina, juno]) {
      const path: SelectedPath = await eventually(`${page.name}: a selected pair`, () => page.path());
      expect(path, page.name).toMatchObject({ local: "relay", remote: "relay", relayProtocol });
    }
  }

  test("over TCP: pictures, sound and chat", async () => {
    await meet(`turn:${host}:${server.port}?transport=tcp`);
    await expectPaths("tcp");
    await expectMediaAndChat();
  });

  // Firefox accepts no exception for the certificate of a relay, as it does for pages: Chromium on both sides.
  test("over TLS: pictures, sound and chat", async () => {
    await meet("turns:", chromium);
    await expectPaths("tls");
    await expectMediaAndChat();
  });

  test("over UDP: pictures, sound and chat, and the relay sees nothing of what is said", async () => {
    const { first, last } = RELAY_PORTS;
    const capture = await RelayCapture.start(`port ${server.port} or portrange ${first}-${last}`);
    const marker = "only-the-two-of-us-may-read-this";
    await meet(`turn:${host}:${server.port}?transport=udp`);
    await expectPaths("udp");
    await expectMediaAndChat();
    await mina.say(marker);
    await juno.until("the marker", ({ messages }) => messages.some(({ text }) => text === marker));
    const file = join(folder, `${marker}.txt`);
    writeFileSync(file, marker.repeat(2_000));
    await mina.sendFile(file);
    await juno.until("the offer", ({ transfers }) => transfers.length === 1);
    await juno.openPanel("files");
    await juno.click("transfer-accept");
    await juno.until("the file", ({ transfers }) => transfers[0]?.state === "done");
    const { bytes, datagrams } = await capture.stop();

    const seen = count(
      datagrams.map(({ kind, inner }) => (inner === undefined ? kind : `${kind}: ${inner}`)),
    );
    console.log("at the relay:", seen);
    const strange = datagrams.filter(({ kind, inner }) => kind === "other" || !isExpectedInside(inner));
    expect(strange.map(({ payload }) => payload.toString("latin1"))).toEqual([]);
    // Chromium binds channels, Firefox sends indications; between the two relayed addresses nothing leaves the relay.
    for (const kind of ["stun", "channelData: srtp", "channelData: dtls", "stun: srtp", "stun: dtls"]) {
      expect(seen[kind], kind).toBeGreaterThan(0);
    }
    expect(bytes.includes(marker)).toBe(false);
    // What is not encrypted would be found: this test's pages come over plain HTTP.
    expect(bytes.includes(`relayed-${calls}`)).toBe(true);
  });

  test("the server is killed and started again: media is back within 5 s, of the same people", async () => {
    const pages = [mina, juno];
    const before = await Promise.all(pages.map(identity));
    const killed = performance.now();
    await server.kill();
    await delay(LAST_PICTURES_MS);
    const pictures = Promise.all(
      pages.map(async (page) => {
        await page.untilPictures(5, 6 * BACK_WITHIN_MS);
        return performance.now();
      }),
    );
    const [back, ready] = await Promise.all([pictures, server.start().then(() => performance.now())]);
    for (const [index, page] of pages.entries()) {
      const at = back[index] ?? Number.POSITIVE_INFINITY;
      const figures = `${Math.round(at - ready)} ms after the start, ${Math.round(at - killed)} ms after the end`;
      console.log(`${page.name}: pictures ${figures} of the server`);
    }
    expect(Math.max(...back) - ready).toBeLessThan(BACK_WITHIN_MS);
    await Promise.all(pages.map((page) => page.untilConnected(1)));
    await Promise.all(pages.map((page) => page.untilMediaFlows()));
    expect(await Promise.all(pages.map(identity))).toEqual(before);
    await expectPaths("udp");
  });
});

/** Who a page is and sees, and how many peer connections it made for that. */
async function identity(page: MeetingPage): Promise<object> {
  const { selfId, remotes } = await page.state();
  const connections = await page.page.evaluate(() => window.testConnections?.length);
  return { selfId, remotes: remotes.map(({ id }) => id), connections };
}

function isExpectedInside(inner: DatagramKind | undefined): boolean {
  return inner === undefined || inner === "stun" || inner === "dtls" || inner === "srtp";
}

function count(values: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}
