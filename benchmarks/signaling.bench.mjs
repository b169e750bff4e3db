/**
 * Signaling at scale: 10,000 people in 1,000 rooms of one server process, who join, say nothing, and then talk. Prints joins a
 * second, memory and processor time per idle connection, and how long a message takes from one to another.
 *
 * Runs the built command on loopback, with its clients in processes of their own:
 * `npm run build && npm run bench signaling`. `CONNECTIONS` and `ROOMS` make it smaller.
 */
import { fork, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { PROTOCOL_VERSION, WEBSOCKET_SUBPROTOCOL } from "@naru/signaling/protocol";
import WebSocket from "ws";

const CONNECTIONS = Number(process.env.CONNECTIONS ?? 10_000);
const ROOMS = Number(process.env.ROOMS ?? 1_000);
const CLIENT_PROCESSES = 2;
/** Joins under way at the same time in one client process. */
const JOINING = 250;
const IDLE_MS = 15_000;
const TALK_MS = 10_000;
/** Messages a second from all clients together: what some hundred people joining at once send. */
const MESSAGES_PER_SECOND = 1_000;
/** The bench gives up when a part takes longer. */
const PART_LIMIT_MS = 180_000;
const CLOCK_TICKS_PER_SECOND = 100;

if (process.argv[2] === "clients") await runClients();
else await runBench();

async function runBench() {
  const port = await freePort();
  const dataDir = mkdtempSync(join(tmpdir(), "naru-bench-"));
  const server = startServer(port, dataDir);
  const clients = [];
  try {
    await untilReady(port);
    await delay(1_000);
    const before = residentBytes(server.pid);
    for (let i = 0; i < CLIENT_PROCESSES; i++) {
      clients.push(fork(fileURLToPath(import.meta.url), ["clients", String(port), String(i)]));
    }
    const startedAt = performance.now();
    const cpuBefore = cpuMs(server.pid);
    await answers(clients, "join");
    const joinMs = performance.now() - startedAt;
    const joinCpuMs = cpuMs(server.pid) - cpuBefore;
    print("connections, rooms", `${CONNECTIONS}, ${ROOMS}`);
    print("joins a second", (CONNECTIONS / (joinMs / 1_000)).toFixed(0));
    print("server CPU per join", `${(joinCpuMs / CONNECTIONS).toFixed(2)} ms`);

    await delay(5_000);
    const idleBefore = cpuMs(server.pid);
    await delay(IDLE_MS);
    print("CPU while idle", `${((100 * (cpuMs(server.pid) - idleBefore)) / IDLE_MS).toFixed(1)} % of a core`);
    const bytes = residentBytes(server.pid) - before;
    print(
      "memory per connection",
      `${(bytes / CONNECTIONS / 1024).toFixed(1)} KiB (process ${mebibytes(before + bytes)})`,
    );

    const talkBefore = cpuMs(server.pid);
    const talked = await answers(clients, "talk");
    const latencies = talked.flatMap(({ latencies: list }) => list).sort((a, b) => a - b);
    const lost = talked.reduce((sum, { sent }) => sum + sent, 0) - latencies.length;
    const at = (share) => `${latencies[Math.floor((latencies.length - 1) * share)]?.toFixed(2)} ms`;
    print("messages, lost", `${latencies.length}, ${lost} (${MESSAGES_PER_SECOND} a second)`);
    print("message latency p50, p99", `${at(0.5)}, ${at(0.99)}`);
    print(
      "CPU while talking",
      `${((100 * (cpuMs(server.pid) - talkBefore)) / TALK_MS).toFixed(1)} % of a core`,
    );
    if (lost > 0) process.exitCode = 1;
  } finally {
    for (const client of clients) client.kill("SIGKILL");
    server.kill("SIGKILL");
    await once(server, "exit");
    rmSync(dataDir, { recursive: true, force: true });
  }
}

function startServer(port, dataDir) {
  const cli = fileURLToPath(new URL("../packages/server/dist/cli.js", import.meta.url));
  const flags = {
    port,
    host: "127.0.0.1",
    "data-dir": dataDir,
    "log.format": "json",
    "log.level": "warn",
    "limits.rooms": ROOMS,
    "limits.participants-per-room": Math.max(2, Math.min(50, Math.ceil(CONNECTIONS / ROOMS))),
    "limits.participants": CONNECTIONS,
    "limits.joins-per-minute": 1_000_000,
    "limits.connections": CONNECTIONS + 100,
    "limits.connections-per-address": CONNECTIONS + 100,
  };
  const args = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]);
  return spawn(process.execPath, [cli, ...args], { stdio: ["ignore", "inherit", "inherit"] });
}

/** Tells all client processes what to do, and waits for what they say of it. */
function answers(clients, order) {
  return Promise.all(
    clients.map(async (client) => {
      client.send(order);
      const [answer] = await once(client, "message", { signal: AbortSignal.timeout(PART_LIMIT_MS) });
      if (answer.problem !== undefined) throw new Error(answer.problem);
      return answer;
    }),
  );
}

async function runClients() {
  const [, , , port, index] = process.argv;
  const peers = [];
  for await (const [order] of messages()) {
    try {
      if (order === "join") process.send(await joinAll(peers, Number(port), Number(index)));
      if (order === "talk") process.send(await talk(peers));
    } catch (error) {
      process.send({ problem: error.message });
    }
  }
}

async function* messages() {
  for (;;) yield await once(process, "message");
}

/** This process's share of the people: whole rooms, so that every message stays within one clock. */
async function joinAll(peers, port, index) {
  const wanted = [];
  for (let i = 0; i < CONNECTIONS; i++) {
    const room = i % ROOMS;
    if (room % CLIENT_PROCESSES === index) wanted.push(room);
  }
  const workers = Array.from({ length: JOINING }, async () => {
    for (let room = wanted.pop(); room !== undefined; room = wanted.pop())
      peers.push(await joinRoom(port, room));
  });
  await Promise.all(workers);
  return { joined: peers.length };
}

async function joinRoom(port, room) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/signal`, WEBSOCKET_SUBPROTOCOL, {
    perMessageDeflate: false,
  });
  const peer = { socket, room, id: "", seq: 0, received: 0, onSignal: undefined };
  const joined = new Promise((resolve, reject) => {
    socket.on("error", reject);
    socket.on("close", (code, reason) => reject(new Error(`closed with ${code} ${reason}`)));
    socket.on("open", () => {
      socket.send(
        JSON.stringify({ type: "join", version: PROTOCOL_VERSION, room: `room-${room}`, name: "bench" }),
      );
    });
    socket.on("message", (data) => {
      const message = JSON.parse(data.toString());
      if (message.seq !== undefined) peer.received = message.seq;
      if (message.type === "joined") {
        peer.id = message.self;
        resolve();
      } else if (message.type === "signal") peer.onSignal?.(message.signal);
    });
  });
  await joined;
  return peer;
}

async function talk(peers) {
  const byRoom = new Map();
  for (const peer of peers) byRoom.set(peer.room, [...(byRoom.get(peer.room) ?? []), peer]);
  const rooms = [...byRoom.values()].filter((people) => people.length > 1);
  const latencies = [];
  for (const peer of peers) {
    peer.onSignal = ({ candidate }) => {
      latencies.push(performance.now() - Number(candidate.usernameFragment));
      // What came is acknowledged, as clients do.
      peer.socket.send(JSON.stringify({ type: "ack", ack: peer.received }));
    };
  }
  const pauseMs = (1_000 * CLIENT_PROCESSES) / MESSAGES_PER_SECOND;
  const startedAt = performance.now();
  let sent = 0;
  while (performance.now() - startedAt < TALK_MS) {
    const due = (performance.now() - startedAt) / pauseMs;
    for (; sent < due; sent++) {
      const people = rooms[sent % rooms.length];
      const from = people[Math.floor(sent / rooms.length) % people.length];
      const to = people[(people.indexOf(from) + 1) % people.length];
      // The shape of a candidate; the time travels in a field that nobody reads on the way.
      const candidate = {
        candidate:
          "candidate:842163049 1 udp 1677729535 198.51.100.7 46154 typ srflx raddr 10.0.17.1 rport 46154",
        sdpMid: "0",
        sdpMLineIndex: 0,
        usernameFragment: String(performance.now()),
      };
      from.socket.send(
        JSON.stringify({
          type: "signal",
          to: to.id,
          seq: ++from.seq,
          ack: from.received,
          signal: { kind: "candidate", candidate },
        }),
      );
    }
    await delay(1);
  }
  await delay(1_000);
  return { sent, latencies };
}

function print(name, value) {
  console.log(`${name.padEnd(28)}${value}`);
}

function mebibytes(bytes) {
  return `${(bytes / 1024 / 1024).toFixed(0)} MiB`;
}

function residentBytes(pid) {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}

/** Processor time that a process has used, user and system. */
function cpuMs(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /, "")
    .split(" ");
  return ((Number(fields[11]) + Number(fields[12])) * 1_000) / CLOCK_TICKS_PER_SECOND;
}

async function untilReady(port) {
  const deadline = performance.now() + 20_000;
  while (performance.now() < deadline) {
    const response = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined);
    if (response?.ok) return;
    await delay(50);
  }
  throw new Error("the server is not ready");
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}
