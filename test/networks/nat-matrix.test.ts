import { afterEach, expect, test } from "vitest";
import { LabCall, type LabCallOptions } from "../support/lab-call.ts";
import type { SelectedPath } from "../support/meeting-page.ts";
import { missingLab, type SiteKind } from "../support/network-lab.ts";
import { missingNetwork, missingPrograms } from "../support/requirements.ts";
import { describeWith } from "../support/suite.ts";

const missing: string | undefined = missingPrograms("chromium") ?? missingNetwork() ?? missingLab();

describeWith(missing, "a call crosses real networks", () => {
  let running: LabCall | undefined;

  afterEach(async () => {
    await running?.close();
    running = undefined;
  });

  /** Two people behind these networks meet; answers the path of each. */
  async function call(
    first: SiteKind,
    second: SiteKind,
    options?: LabCallOptions,
  ): Promise<readonly [SelectedPath, SelectedPath]> {
    running = await LabCall.start(first, second, options);
    await running.untilConnected();
    return running.paths();
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
    const [mina, juno] = await call("udp-blocked", "udp-blocked", { onlyServers: "turns:" });
    for (const path of [mina, juno]) expect(path).toMatchObject({ local: "relay", relayProtocol: "tls" });
  });

  test("IPv6 alone: directly", async () => {
    const [mina, juno] = await call("ipv6", "ipv6");
    expect([mina.local, juno.local]).toEqual(["host", "host"]);
    expect(mina.address).toContain("2001:db8:77:");
  });
});
