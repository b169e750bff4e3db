import { afterEach, expect, test } from "vitest";
import { launchBrowser, type TestBrowser } from "../support/browsers.ts";
import { MeetingPage } from "../support/meeting-page.ts";
import { missingLab, NetworkLab, type SiteKind } from "../support/network-lab.ts";
import { missingNetwork, missingPrograms } from "../support/requirements.ts";
import { eventually, TestServer } from "../support/server.ts";
import { describeWith } from "../support/suite.ts";

/** The path a connection took, as the browser's own statistics have it. */
interface Path {
  /** Type of the local candidate: `host`, `srflx`, `prflx` or `relay`. */
  readonly local: string;
  readonly remote: string;
  /** How the local relay is reached, when there is one. */
  readonly relayProtocol: string | undefined;
  readonly address: string;
}

/** Which servers a page may use: all that the room names, or those whose URL begins so. */
type Servers = "all" | `turn${string}`;

const missing: string | undefined = missingPrograms("chromium") ?? missingNetwork() ?? missingLab();

describeWith(missing, "a call crosses real networks", () => {
  let close: (() => Promise<void>)[] = [];

  afterEach(async () => {
    for (const step of close.reverse()) await step();
    close = [];
  });

  /** Two people behind these networks meet; answers the path of each. */
  async function call(
    first: SiteKind,
    second: SiteKind,
    servers: Servers = "all",
  ): Promise<readonly [Path, Path]> {
    const lab = new NetworkLab();
    close.push(async () => lab.close());
    const isIpv6 = first === "ipv6";
    const host = isIpv6 ? lab.addSite("srv", "ipv6") : lab.addPublicHost("srv");
    const server = await TestServer.start({
      host,
      // The lab's addresses are documentation ranges, which a relay refuses by default.
      flags: { "turn.allow-peers": "203.0.113.0/24,2001:db8:77::/64", "log.level": "debug" },
    });
    close.push(() => server.close());
    const pages: MeetingPage[] = [];
    for (const [name, kind] of [
      ["Mina", first],
      ["Juno", second],
    ] as const) {
      const browser: TestBrowser = await launchBrowser("chromium", {
        host: lab.addSite(name.toLowerCase(), kind),
        args: ["--ignore-certificate-errors"],
      });
      close.push(() => browser.close());
      pages.push(await join(browser, server.url, name, servers));
    }
    const [mina, juno] = [pages[0]!, pages[1]!];
    await Promise.all([mina.untilConnected(1), juno.untilConnected(1)]);
    return [await pathOf(mina), await pathOf(juno)];
  }

  test("both with public addresses: directly", async () => {
    const [mina, juno] = await call("open", "open");
    expect([mina.local, juno.local]).toEqual(["host", "host"]);
  });

  test("both behind port-restricted NATs: directly", async () => {
    const [mina, juno] = await call("port-restricted", "port-restricted");
    for (const path of [mina, juno]) expect(["srflx", "prflx"]).toContain(path.local);
    expect([mina.relayProtocol, juno.relayProtocol]).toEqual([undefined, undefined]);
  });

  test("one behind the NAT of a carrier: directly", async () => {
    const [mina, juno] = await call("carrier-grade", "port-restricted");
    for (const path of [mina, juno]) expect(["srflx", "prflx"]).toContain(path.local);
  });

  test("both behind symmetric NATs: through TURN over UDP", async () => {
    const [mina, juno] = await call("symmetric", "symmetric");
    expect([mina.relayProtocol, juno.relayProtocol]).toContain("udp");
  });

  test("UDP blocked on one side: through TURN over TCP", async () => {
    const [mina] = await call("udp-blocked", "port-restricted");
    expect(mina).toMatchObject({ local: "relay", relayProtocol: "tcp" });
  });

  test("UDP blocked on both sides: through TURN over TCP", async () => {
    const [mina, juno] = await call("udp-blocked", "udp-blocked");
    for (const path of [mina, juno]) expect(path).toMatchObject({ local: "relay", relayProtocol: "tcp" });
  });

  test("UDP blocked and nothing but TLS allowed: through TURN over TLS", async () => {
    const [mina, juno] = await call("udp-blocked", "udp-blocked", "turns:");
    for (const path of [mina, juno]) expect(path).toMatchObject({ local: "relay", relayProtocol: "tls" });
  });

  test("IPv6 alone: directly", async () => {
    const [mina, juno] = await call("ipv6", "ipv6");
    expect([mina.local, juno.local]).toEqual(["host", "host"]);
    expect(mina.address).toContain("2001:db8:77:");
  });
});

async function join(browser: TestBrowser, url: string, name: string, servers: Servers): Promise<MeetingPage> {
  if (servers === "all") return MeetingPage.join(browser, url, "brave-otter-42", name);
  return MeetingPage.join(browser, url, "brave-otter-42", name, { onlyServers: servers });
}

/** The pair that carries the call, as soon as the browser names it. */
function pathOf(page: MeetingPage): Promise<Path> {
  return eventually(`${page.name}: a selected pair`, () => page.page.evaluate(readPath), 10_000);
}

async function readPath(): Promise<Path | undefined> {
  for (const connection of window.testConnections ?? []) {
    const stats = new Map((await connection.getStats()).entries());
    for (const entry of stats.values()) {
      if (entry.type !== "transport") continue;
      const pair = stats.get(entry.selectedCandidatePairId);
      const local = stats.get(pair?.localCandidateId);
      const remote = stats.get(pair?.remoteCandidateId);
      if (local === undefined || remote === undefined) continue;
      return {
        local: local.candidateType,
        remote: remote.candidateType,
        relayProtocol: local.relayProtocol,
        address: local.address,
      };
    }
  }
  return undefined;
}
