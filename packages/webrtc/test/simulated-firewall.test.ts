import { expect, test } from "vitest";
import { TransportAddress } from "../src/bytes/index.ts";
import {
  FIREWALL_PRESETS,
  type FirewallRules,
  VirtualNetwork,
  type VirtualRouter,
} from "../src/testing/index.ts";
import { lastSource, openSocket, type RecordingSocket } from "./recording-socket.ts";
import { connect, listen } from "./recording-stream.ts";

interface Bench {
  readonly network: VirtualNetwork;
  readonly office: VirtualRouter;
  readonly alice: RecordingSocket;
  readonly server: RecordingSocket;
}

test("a stateful firewall lets answers in, and nothing that was not asked for", async () => {
  const { network, alice, server } = await createBench(FIREWALL_PRESETS.outboundOnly);
  server.sendText("unsolicited", alice.io.localAddress);
  network.advance(10);
  alice.sendText("question", server.io.localAddress);
  network.advance(10);
  server.sendText("answer", lastSource(server));
  network.advance(10);
  expect(alice.received).toEqual(["answer"]);
  expect(network.ladder()).toContain("✗ office: unsolicited udp");
});

test("an answer that comes after the state has timed out is unsolicited", async () => {
  const rules = { ...FIREWALL_PRESETS.outboundOnly, stateTimeoutMs: 30_000 };
  const { network, alice, server } = await createBench(rules);
  alice.sendText("question", server.io.localAddress);
  network.advance(30_500);
  server.sendText("late answer", lastSource(server));
  network.advance(10);
  expect(alice.received).toEqual([]);
});

test("a firewall that blocks UDP lets TCP out", async () => {
  const { network, alice, server } = await createBench(FIREWALL_PRESETS.blockUdp);
  alice.sendText("question", server.io.localAddress);
  network.advance(10);
  expect(server.received).toEqual([]);
  expect(network.ladder()).toContain("✗ office: udp is blocked");
  const inside = network.host("inside", {
    inside: network.router("other", { firewall: FIREWALL_PRESETS.blockUdp }),
  });
  const listener = await listen(network.host("web"), 8443);
  const stream = await network.complete(connect(inside, listener.localAddress));
  expect(stream.io.remoteAddress.port).toBe(8443);
});

test("a web-only firewall lets TCP out to 443 and silently drops the rest", async () => {
  const network = new VirtualNetwork({ seed: 1 });
  const office = network.router("office", { firewall: FIREWALL_PRESETS.webOnly });
  const alice = network.host("alice", { inside: office });
  const web = network.host("web");
  const [allowed, blocked] = [await listen(web, 443), await listen(web, 3478)];
  await network.complete(connect(alice, allowed.localAddress));
  const before = network.now();
  await expect(network.complete(connect(alice, blocked.localAddress, { timeoutMs: 4000 }))).rejects.toThrow(
    /ETIMEDOUT/,
  );
  expect(network.now() - before).toBeCloseTo(4000, 0);
});

test("rules that change while running hold for conversations under way", async () => {
  const { network, office, alice, server } = await createBench(FIREWALL_PRESETS.outboundOnly);
  alice.sendText("before", server.io.localAddress);
  network.advance(10);
  office.firewall!.rules = FIREWALL_PRESETS.blockUdp;
  alice.sendText("after", server.io.localAddress);
  server.sendText("after", lastSource(server));
  network.advance(10);
  expect(server.received).toEqual(["before"]);
  expect(alice.received).toEqual([]);
});

test("a firewall forgets its conversations when its router restarts", async () => {
  const { network, office, alice, server } = await createBench(FIREWALL_PRESETS.outboundOnly);
  alice.sendText("before", server.io.localAddress);
  network.advance(10);
  office.rebind();
  server.sendText("answer", lastSource(server));
  network.advance(10);
  expect(alice.received).toEqual([]);
});

test("UDP to some ports only is just that, and answers come from there", async () => {
  const { network, alice, server } = await createBench({ ...FIREWALL_PRESETS.outboundOnly, udp: [3478] });
  const other = await openSocket(network.host("other"), 5000);
  alice.sendText("a", server.io.localAddress);
  alice.sendText("b", other.io.localAddress);
  network.advance(10);
  expect([server.received, other.received]).toEqual([["a"], []]);
});

test("a host's own firewall protects the host and not its neighbours", async () => {
  const network = new VirtualNetwork({ seed: 1 });
  const guarded = await openSocket(network.host("guarded", { firewall: FIREWALL_PRESETS.outboundOnly }));
  const open = await openSocket(network.host("open"));
  open.sendText("knock", guarded.io.localAddress);
  network.advance(10);
  expect(guarded.received).toEqual([]);
  guarded.sendText("hello", open.io.localAddress);
  network.advance(10);
  open.sendText("welcome", guarded.io.localAddress);
  network.advance(10);
  expect(guarded.received).toEqual(["welcome"]);
  expect(network.ladder()).toContain("✗ guarded firewall: unsolicited udp");
});

test("a firewall and a NAT in one router both apply", async () => {
  const network = new VirtualNetwork({ seed: 1 });
  const home = network.nat("home", {
    filtering: "endpointIndependent",
    firewall: FIREWALL_PRESETS.outboundOnly,
    address: "198.51.100.1",
  });
  const alice = await openSocket(network.host("alice", { inside: home }), 5000);
  const [server, stranger] = [
    await openSocket(network.host("server")),
    await openSocket(network.host("stranger")),
  ];
  alice.sendText("open", server.io.localAddress);
  network.advance(10);
  const mapped = lastSource(server);
  expect(mapped.equals(TransportAddress.parse("198.51.100.1:5000")!)).toBe(true);
  stranger.sendText("stranger", mapped);
  server.sendText("server", mapped);
  network.advance(10);
  expect(alice.received).toEqual(["server"]);
});

async function createBench(firewall: FirewallRules): Promise<Bench> {
  const network = new VirtualNetwork({ seed: "firewall" });
  const office = network.router("office", { firewall });
  const alice = await openSocket(
    network.host("alice", { inside: office, addresses: ["198.51.100.20"] }),
    5000,
  );
  const server = await openSocket(network.host("server"), 3478);
  return { network, office, alice, server };
}
