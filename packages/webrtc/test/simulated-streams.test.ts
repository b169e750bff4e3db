import { describe, expect, test } from "vitest";
import { TransportAddress } from "../src/bytes/index.ts";
import {
  createScenario,
  type HostOptions,
  NAT_PRESETS,
  type VirtualHost,
  VirtualNetwork,
} from "../src/testing/index.ts";
import { connect, listen, type RecordingListener, type RecordingStream } from "./recording-stream.ts";

const scenario = createScenario({ test, environment: process.env, file: import.meta.url });

scenario("a TCP stream delivers everything in order over a bad link", { seeds: 20 }, async (network) => {
  const link = { delayMs: 15, jitterMs: 10, lossRate: 0.05, reorderRate: 0.05, duplicateRate: 0.05 };
  const alice = network.host("alice", { link });
  const listener = await listen(network.host("server"), 80);
  const client = await network.complete(connect(alice, listener.localAddress));
  const sent = network.random.fork("payload").fill(new Uint8Array(100_000));
  client.io.write(sent);
  await network.runUntil(() => listener.accepted[0]?.receivedBytes === sent.length, 120_000);
  const server = listener.accepted[0]!;
  expect(equal(server.received(), sent)).toBe(true);
  server.io.write(sent.subarray(0, 50_000));
  await network.runUntil(() => client.receivedBytes === 50_000, 120_000);
  expect(equal(client.received(), sent.subarray(0, 50_000))).toBe(true);
});

scenario(
  "both ends of a TCP stream learn of its regular end, whatever is lost",
  { seeds: 40 },
  async (network) => {
    const alice = network.host("alice", { link: { lossRate: 0.3 } });
    const listener = await listen(network.host("server"), 80);
    const client = await network.complete(connect(alice, listener.localAddress, { timeoutMs: 60_000 }));
    client.io.write(new Uint8Array(5000));
    client.io.close();
    await network.runUntil(
      () => client.ends.length + (listener.accepted[0]?.ends.length ?? 0) === 2,
      600_000,
    );
    expect(listener.accepted[0]!.receivedBytes).toBe(5000);
    expect([client.ends, listener.accepted[0]!.ends]).toEqual([[undefined], [undefined]]);
  },
);

describe("a TCP stream", () => {
  test("takes one round trip to connect", async () => {
    const network = new VirtualNetwork({ seed: 1 });
    const [alice, server] = [network.host("alice", { link: { delayMs: 20 } }), network.host("server")];
    const listener = await listen(server, 80);
    await network.complete(connect(alice, listener.localAddress));
    expect(network.now()).toBeCloseTo(2 * (20 + 1));
  });

  test("uses most of a limited rate and no more", async () => {
    const link = { delayMs: 10, rateBps: 4_000_000, queueBytes: 30_000 };
    const { network, client, listener } = await createBench("rate", { link });
    const start = network.now();
    client.io.write(new Uint8Array(2_000_000));
    await network.runUntil(() => listener.accepted[0]?.receivedBytes === 2_000_000, 60_000);
    const rateBps = (2_000_000 * 8 * 1000) / (network.now() - start);
    expect(rateBps).toBeLessThan(4_000_000);
    expect(rateBps).toBeGreaterThan(2_000_000);
  });

  test("asks for patience when much waits, and says when it has left", async () => {
    const { network, client, listener } = await createBench("drain", { link: { rateBps: 1_000_000 } });
    expect(client.io.write(new Uint8Array(1000))).toBe(true);
    expect(client.io.write(new Uint8Array(300_000))).toBe(false);
    expect(client.io.bufferedBytes).toBeGreaterThan(200_000);
    await network.runUntil(() => client.drains > 0, 60_000);
    expect(client.io.bufferedBytes).toBe(0);
    await network.runUntil(() => listener.accepted[0]?.receivedBytes === 301_000, 60_000);
    expect(client.drains).toBe(1);
  });

  test("that is paused holds the other side back, and loses nothing", async () => {
    const { network, client, listener } = await createBench("pause", {});
    await network.runUntil(() => listener.accepted.length === 1, 1000);
    const server = listener.accepted[0]!;
    server.io.pause();
    const sent = network.random.fork("payload").fill(new Uint8Array(500_000));
    client.io.write(sent);
    client.io.close();
    await network.run(5_000);
    expect([server.receivedBytes, server.ends.length]).toEqual([0, 0]);
    expect(client.io.bufferedBytes).toBeGreaterThan(300_000);
    server.io.resume();
    expect(server.receivedBytes).toBe(0);
    await network.runUntil(() => server.ends.length === 1, 120_000);
    expect(equal(server.received(), sent)).toBe(true);
  });

  test("connects from the port it is given, once to the same place", async () => {
    const network = new VirtualNetwork({ seed: 7 });
    const alice = network.host("alice");
    const listener = await listen(network.host("server"), 80);
    const first = await network.complete(connect(alice, listener.localAddress, { localPort: 5000 }));
    expect(first.io.localAddress.port).toBe(5000);
    await expect(connect(alice, listener.localAddress, { localPort: 5000 })).rejects.toThrow("EADDRINUSE");
  });

  test("that is closed sends what waits, and both ends are told once, without an error", async () => {
    const { network, client, listener } = await createBench("close", { link: { lossRate: 0.1 } });
    client.io.write(new Uint8Array(100_000));
    client.io.close();
    client.io.close();
    expect(client.io.write(new Uint8Array(1))).toBe(false);
    expect(client.ends).toEqual([]);
    await network.run(60_000);
    const server = listener.accepted[0]!;
    expect(server.received()).toHaveLength(100_000);
    expect([client.ends, server.ends]).toEqual([[undefined], [undefined]]);
  });

  test("that is destroyed resets the other end", async () => {
    const { network, client, listener } = await createBench("destroy", {});
    client.io.destroy();
    await network.run(100);
    expect(client.ends).toEqual([undefined]);
    expect(listener.accepted[0]!.ends).toEqual([expect.objectContaining({ code: "ECONNRESET" })]);
  });

  test("whose path dies is given up with a timeout", async () => {
    const { network, alice, client } = await createBench("dead path", {});
    client.io.write(new Uint8Array(10));
    await network.run(100);
    expect(client.ends).toEqual([]);
    alice.link.change({ lossRate: 1 });
    client.io.write(new Uint8Array(10));
    await network.run(20 * 60_000);
    expect(client.ends).toEqual([expect.objectContaining({ code: "ETIMEDOUT" })]);
  });

  test("passes a symmetric NAT from inside", async () => {
    const network = new VirtualNetwork({ seed: 1 });
    const home = network.nat("home", { ...NAT_PRESETS.symmetric, address: "198.51.100.1" });
    const alice = network.host("alice", { inside: home });
    const listener = await listen(network.host("server"), 80);
    const client = await network.complete(connect(alice, listener.localAddress));
    await network.run(10);
    const server = listener.accepted[0]!;
    expect(server.io.remoteAddress.ip.toString()).toBe("198.51.100.1");
    server.io.write(new TextEncoder().encode("welcome"));
    await network.run(10);
    expect(new TextDecoder().decode(client.received())).toBe("welcome");
  });
});

describe("connecting", () => {
  test("to a port nobody listens on is refused after one round trip", async () => {
    const network = new VirtualNetwork({ seed: 1 });
    const [alice, server] = [network.host("alice"), network.host("server")];
    const nobody = new TransportAddress(server.address(), 81);
    await expect(network.complete(connect(alice, nobody))).rejects.toMatchObject({ code: "ECONNREFUSED" });
    expect(network.now()).toBeCloseTo(4);
  });

  test("to nowhere times out when it was told to", async () => {
    const network = new VirtualNetwork({ seed: 1 });
    const alice = network.host("alice");
    const nowhere = TransportAddress.parse("198.51.100.77:80")!;
    const attempt = connect(alice, nowhere, { timeoutMs: 2500 });
    await expect(network.complete(attempt)).rejects.toMatchObject({ code: "ETIMEDOUT" });
    expect(network.now()).toBe(2500);
  });

  test("without an address of that family fails at once", async () => {
    const network = new VirtualNetwork({ seed: 1 });
    const attempt = connect(network.host("alice"), TransportAddress.parse("[2001:db8::1]:80")!);
    await expect(network.complete(attempt)).rejects.toMatchObject({ code: "ENETUNREACH" });
  });

  test("to a listener that has closed is refused, and its port can be had again", async () => {
    const network = new VirtualNetwork({ seed: 1 });
    const [alice, server] = [network.host("alice"), network.host("server")];
    const listener = await listen(server, 80);
    await expect(listen(server, 80)).rejects.toMatchObject({ code: "EADDRINUSE" });
    listener.close();
    const attempt = connect(alice, listener.localAddress);
    await expect(network.complete(attempt)).rejects.toMatchObject({ code: "ECONNREFUSED" });
    expect((await listen(server, 80)).localAddress.port).toBe(80);
  });
});

describe("TLS", () => {
  const tls = { certificate: "certificate of turn.example", privateKey: "key" };
  const serverName = "turn.example";

  test("is trusted by the certificate given, at the price of a second round trip", async () => {
    const { attempt, network } = await createTlsBench({ serverName, ca: [tls.certificate] });
    const client = await network.complete(attempt);
    expect(network.now()).toBeCloseTo(8);
    client.io.write(new TextEncoder().encode("inside TLS"));
    await network.run(10);
    expect(network.ladder()).toContain("TLS handshake");
  });

  test("is trusted by what every host trusts, for the right name only", async () => {
    const right = await createTlsBench({ serverName }, [serverName]);
    await right.network.complete(right.attempt);
    const wrong = await createTlsBench({ serverName: "other.example" }, [serverName]);
    await expect(wrong.network.complete(wrong.attempt)).rejects.toMatchObject({
      code: "ERR_TLS_CERT_ALTNAME_INVALID",
    });
  });

  test("with a certificate nobody trusts fails, and the server sees no connection", async () => {
    const { attempt, network, listener } = await createTlsBench({ serverName });
    await expect(network.complete(attempt)).rejects.toMatchObject({
      code: "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
    });
    await network.run(1000);
    expect(listener.accepted).toEqual([]);
  });

  test("with a server that speaks none fails", async () => {
    const network = new VirtualNetwork({ seed: 1 });
    const listener = await listen(network.host("server"), 80);
    const attempt = connect(network.host("alice"), listener.localAddress, { tls: { serverName } });
    await expect(network.complete(attempt)).rejects.toMatchObject({ code: "EPROTO" });
  });

  test("is not what a plain client gets: the server hangs up on it", async () => {
    const { network, listener } = await createTlsBench({ serverName, ca: [tls.certificate] });
    const plain = await network.complete(connect(network.host("plain"), listener.localAddress));
    plain.io.write(new TextEncoder().encode("GET / HTTP/1.1"));
    await network.run(100);
    expect(plain.ends).toEqual([expect.objectContaining({ code: "ECONNRESET" })]);
  });

  async function createTlsBench(
    clientTls: { serverName: string; ca?: readonly string[] },
    trustedNames: readonly string[] = [],
  ): Promise<{ network: VirtualNetwork; listener: RecordingListener; attempt: Promise<RecordingStream> }> {
    const network = new VirtualNetwork({ seed: "tls" });
    if (trustedNames.length > 0) network.trustCertificate(tls.certificate, ...trustedNames);
    const listener = await listen(network.host("server"), 443, tls);
    const attempt = connect(network.host("alice"), listener.localAddress, { tls: clientTls });
    return { network, listener, attempt };
  }
});

test("a listener on a wildcard is reached by every address of its host", async () => {
  const network = new VirtualNetwork({ seed: 1 });
  const server = network.host("server", { addresses: ["203.0.113.90", "203.0.113.91"] });
  const alice = network.host("alice");
  const listener = await listen(server, 80);
  for (const text of ["203.0.113.90:80", "203.0.113.91:80"]) {
    await network.complete(connect(alice, TransportAddress.parse(text)!));
  }
  await network.run(10);
  expect(listener.accepted.map(({ io }) => io.localAddress.toString())).toEqual([
    "203.0.113.90:80",
    "203.0.113.91:80",
  ]);
});

/** A client connected to a server on port 80. */
async function createBench(
  seed: string,
  options: HostOptions,
): Promise<{
  network: VirtualNetwork;
  alice: VirtualHost;
  client: RecordingStream;
  listener: RecordingListener;
}> {
  const network = new VirtualNetwork({ seed });
  const alice = network.host("alice", options);
  const listener = await listen(network.host("server"), 80);
  const client = await network.complete(connect(alice, listener.localAddress));
  await network.runUntil(() => listener.accepted.length === 1, 60_000);
  return { network, alice, client, listener };
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
