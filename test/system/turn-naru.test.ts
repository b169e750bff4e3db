/** The relay inside the real command: coturn's client and ours, with the credentials of people in a room. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { IceServer } from "@naru/signaling/protocol";
import { IpAddress, TransportAddress } from "@naru/webrtc/bytes";
import { runTurnAllocation, type TurnDriver } from "@naru/webrtc/driver";
import { createNodePlatform } from "@naru/webrtc/node";
import type { TurnEnd, TurnTransport } from "@naru/webrtc/turn";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findProgram, missingPrograms } from "../support/requirements.ts";
import { eventually, TestServer } from "../support/server.ts";
import { SignalingPeer } from "../support/signaling-peer.ts";
import { describeWith } from "../support/suite.ts";

const platform = createNodePlatform();
const TRANSPORTS = ["udp", "tcp", "tls"] as const;

let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start({ flags: { "turn.allocations-per-participant": 12 } });
});

afterAll(async () => {
  await server?.close();
});

describeWith(missingPrograms("uclient"), "turnutils_uclient", () => {
  test.each([
    ["udp", []],
    ["tcp", ["-t"]],
    ["tls", ["-t", "-S"]],
  ] as const)("relays without loss over %s with a participant's credentials", async (_transport, flags) => {
    const { peer, turn } = await enter("coturn");
    const args = ["-u", turn.username, "-w", turn.credential, "-p", `${server.port}`];
    const load = ["-n", "25", "-m", "2", "-y", "-X", "127.0.0.1"];
    const { stdout } = await promisify(execFile)(findProgram("uclient") ?? "", [...flags, ...args, ...load], {
      timeout: 60_000,
    });
    expect(stdout).toMatch(/Total lost packets 0 /);
    expect(stdout).toMatch(/tot_send_msgs=100, tot_recv_msgs=100/);
    // It ends without releasing all that it has; the participant's leaving does.
    peer.sendReliable({ type: "leave" });
    await eventually("the allocations to be deleted", async () => (await allocations()) === 0);
  });
});

describe("our client", () => {
  test.each(TRANSPORTS)("gets a relayed address over %s, which dies with the session", async (transport) => {
    const { peer, turn } = await enter(`dies-${transport}`);
    const client = new Client(transport, turn);
    await client.allocated;
    expect(await allocations()).toBe(1);
    peer.sendReliable({ type: "leave" });
    await eventually("the allocation to be deleted", async () => (await allocations()) === 0);
    client.driver.destroy();
    const late = new Client(transport, turn);
    expect(await late.end).toMatchObject({ reason: "unauthorized" });
  });

  test("keeps what it has while the connection of the participant is broken, and gets more after it resumed", async () => {
    const { peer, turn, session } = await enter("resumes");
    const client = new Client("udp", turn);
    await client.allocated;
    peer.terminate();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await allocations()).toBe(1);
    const again = await SignalingPeer.connect(server.signalingUrl);
    again.send({ type: "resume", version: 1, session, received: 0 });
    const second = new Client("udp", turnOf((await again.next("joined")).iceServers));
    await second.allocated;
    expect(await allocations()).toBe(2);
    again.sendReliable({ type: "leave" });
    await eventually("the allocations to be deleted", async () => (await allocations()) === 0);
    for (const { driver } of [client, second]) driver.destroy();
  });

  test("has a limit of allocations for each participant", async () => {
    const { peer, turn } = await enter("greedy");
    const clients = Array.from({ length: 13 }, () => new Client("udp", turn));
    const ends = await Promise.all(clients.map((client) => Promise.race([client.allocated, client.end])));
    expect(ends.filter((end) => end === undefined)).toHaveLength(12);
    expect(ends.filter((end) => end?.reason === "quota-reached")).toHaveLength(1);
    peer.sendReliable({ type: "leave" });
    await eventually("the allocations to be deleted", async () => (await allocations()) === 0);
    for (const { driver } of clients) driver.destroy();
  });

  test.each(["10.0.0.1", "192.168.1.1", "169.254.169.254", "127.0.0.1"])(
    "cannot reach %s",
    async (address) => {
      const { peer, turn } = await enter("private");
      const client = new Client("udp", turn);
      await client.allocated;
      client.driver.send(new TransportAddress(ip(address), 80), new Uint8Array(8));
      expect(await client.permission).toEqual({ granted: false, code: 403 });
      peer.sendReliable({ type: "leave" });
      client.driver.destroy();
    },
  );

  test("reaches nobody outside with the credentials of the check page, only other relayed addresses", async () => {
    const response = await fetch(`${server.url}/api/check-credentials`);
    const { username, credential }: { username: string; credential: string } = await response.json();
    const [one, two] = [
      new Client("udp", { username, credential }),
      new Client("udp", { username, credential }),
    ];
    await Promise.all([one.allocated, two.allocated]);
    one.driver.send(new TransportAddress(ip("1.1.1.1"), 53), new Uint8Array(8));
    expect(await one.permission).toEqual({ granted: false, code: 403 });
    const [far] = two.driver.allocation.relayedAddresses;
    const three = new Client("udp", { username, credential });
    await three.allocated;
    if (far === undefined) throw new Error("no relayed address");
    three.driver.send(far, new Uint8Array(8));
    expect(await three.permission).toEqual({ granted: true });
    for (const { driver } of [one, two, three]) driver.close();
    await eventually("the allocations to be deleted", async () => (await allocations()) === 0);
  });
});

test("credentials for checks are refused to other sites, and run out", async () => {
  const fresh = await TestServer.start();
  try {
    const url = `${fresh.url}/api/check-credentials`;
    const statuses: number[] = [];
    statuses.push((await fetch(url, { headers: { "Sec-Fetch-Site": "cross-site" } })).status);
    for (let i = 0; i < 7; i++) statuses.push((await fetch(url)).status);
    expect(statuses).toEqual([403, 200, 200, 200, 200, 200, 200, 429]);
  } finally {
    await fresh.close();
  }
});

interface TurnUser {
  readonly username: string;
  readonly credential: string;
}

async function enter(room: string): Promise<{ peer: SignalingPeer; turn: TurnUser; session: string }> {
  const { peer, joined } = await SignalingPeer.join(server.signalingUrl, room, "test");
  return { peer, turn: turnOf(joined.iceServers), session: joined.session };
}

function turnOf(servers: readonly IceServer[]): TurnUser {
  const { username, credential } =
    servers.find(({ urls }) => urls.some((url) => url.startsWith("turn:"))) ?? {};
  if (username === undefined || credential === undefined) throw new Error("no TURN credentials");
  return { username, credential };
}

async function allocations(): Promise<number> {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  return Number(/^naru_turn_allocations (\d+)$/m.exec(text)?.[1]);
}

/** One allocation of our client, and what became of it. */
class Client {
  readonly driver: TurnDriver;
  readonly allocated: Promise<undefined>;
  readonly end: Promise<TurnEnd>;
  readonly permission: Promise<{ granted: true } | { granted: false; code: number }>;

  constructor(transport: TurnTransport, { username, credential }: TurnUser) {
    let allocated: () => void = () => undefined;
    let ended: (end: TurnEnd) => void = () => undefined;
    let permitted: (answer: { granted: true } | { granted: false; code: number }) => void = () => undefined;
    this.allocated = new Promise((resolve) => {
      allocated = () => resolve(undefined);
    });
    this.end = new Promise((resolve) => {
      ended = resolve;
    });
    this.permission = new Promise((resolve) => {
      permitted = resolve;
    });
    this.driver = runTurnAllocation(
      platform,
      {
        server: new TransportAddress(ip("127.0.0.1"), server.port),
        transport,
        credentials: { username, password: credential },
        ...(transport === "tls" && {
          serverName: "localhost",
          ca: [readFileSync(join(server.dataDir, "ca.crt"), "utf8")],
        }),
      },
      {
        handleEvent(event) {
          if (event.type === "allocated") allocated();
          if (event.type === "closed") ended(event.end);
          if (event.type === "permissionGranted") permitted({ granted: true });
          if (event.type === "permissionRefused") permitted({ granted: false, code: event.error.code });
        },
        handleError: (error) => expect.unreachable(error.message),
      },
    );
  }
}

function ip(text: string): IpAddress {
  const address = IpAddress.parse(text);
  if (address === undefined) throw new Error(`"${text}" is no address`);
  return address;
}
