/** Connections joined by the server (RFC 6062 §5.4): nothing is lost, nothing piles up, both ends end together. */
import { TransportAddress } from "@naru/webrtc/bytes";
import { TurnTcpDriver } from "@naru/webrtc/driver";
import { nodeCrypto } from "@naru/webrtc/node";
import type { StreamHandler, StreamIo } from "@naru/webrtc/platform";
import { createScenario, type VirtualNetwork } from "@naru/webrtc/testing";
import { expect, test } from "vitest";
import { createTurnServer } from "../src/index.ts";

const scenario = createScenario({
  test,
  environment: process.env,
  file: import.meta.url,
  crypto: nodeCrypto,
});

const CREDENTIALS = { username: "alice", password: "correct horse" };
const MEGABYTE = 1_000_000;

/** One end of a connection, and what it was told. */
class End implements StreamHandler {
  io: StreamIo | undefined;
  received = 0;
  /** Sum over position and value: the same bytes in another order give another one. */
  checksum = 0;
  isClosed = false;

  handleData(bytes: Uint8Array): void {
    for (const byte of bytes) this.checksum = (this.checksum * 31 + byte) % 1_000_000_007;
    this.received += bytes.length;
  }

  handleDrain(): void {}

  handleClose(): void {
    this.isClosed = true;
  }
}

/** A client joined through the server to a peer that listens. */
async function join(network: VirtualNetwork) {
  const host = network.host("server", { addresses: ["203.0.113.201"] });
  const server = await network.complete(
    createTurnServer({
      platform: host,
      users: { [CREDENTIALS.username]: CREDENTIALS.password },
      listen: [{ transport: "tcp", address: host.address().toString(), port: 3478 }],
      peers: { allow: ["203.0.113.0/24"] },
    }),
  );
  const bob = network.host("bob");
  const [client, peer] = [new End(), new End()];
  const listener = await bob.listenStream({ address: bob.address(), port: 80 }, (io) => {
    peer.io = io;
    return peer;
  });
  let isAllocated = false;
  const driver = new TurnTcpDriver(
    network.host("alice"),
    { server: new TransportAddress(host.address(), 3478), transport: "tcp", credentials: CREDENTIALS },
    {
      handleEvent: (event) => {
        isAllocated ||= event.type === "allocated";
      },
      handleConnection: (_connection, _peer, io) => {
        client.io = io;
        return client;
      },
      handleError: (error) => {
        throw error;
      },
    },
  );
  await network.runUntil(() => isAllocated, 10_000);
  driver.connect(listener.localAddress);
  await network.runUntil(() => client.io !== undefined && peer.io !== undefined, 10_000);
  const [atClient, atPeer] = [client.io, peer.io];
  if (atClient === undefined || atPeer === undefined) throw new Error("not joined");
  return { server, driver, client, peer, atClient, atPeer };
}

scenario("who reads slowly holds the other back, and loses nothing", { seeds: 3 }, async (network) => {
  const { client, peer, atClient, atPeer } = await join(network);
  const sent = network.random.fork("payload").fill(new Uint8Array(2 * MEGABYTE));
  for (const [from, to, reader] of [
    [atPeer, client, atClient],
    [atClient, peer, atPeer],
  ] as const) {
    reader.pause();
    const expected = new End();
    expected.handleData(sent);
    from.write(sent);
    await network.run(10_000);
    expect(to.received).toBe(0);
    // The server and both systems between them hold a part; the rest is still with who sends.
    expect(from.bufferedBytes).toBeGreaterThan(MEGABYTE);
    reader.resume();
    await network.runUntil(() => to.received === sent.length, 120_000);
    expect(to.checksum).toBe(expected.checksum);
  }
});

scenario("when one end closes the other is told, after everything has arrived", {}, async (network) => {
  const { server, client, atPeer } = await join(network);
  atPeer.write(new Uint8Array(MEGABYTE));
  atPeer.close();
  await network.runUntil(() => client.isClosed, 60_000);
  expect(client.received).toBe(MEGABYTE);
  const connections = server.metrics().find(({ name }) => name === "naru_turn_peer_connections");
  expect(connections?.samples[0]?.value).toBe(0);
});

scenario("the end of the server ends both", {}, async (network) => {
  const { server, client, peer } = await join(network);
  server.close();
  await network.runUntil(() => client.isClosed && peer.isClosed, 10_000);
});
