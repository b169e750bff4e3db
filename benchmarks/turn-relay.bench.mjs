/**
 * CPU per relayed packet beside coturn: 20 clients, 1000 bytes each millisecond over channels, in alternating runs on
 * loopback. Prints each run, the medians and the ratio.
 *
 * Needs coturn and its tools: `apt-get install coturn`, then `npm run build && npm run bench turn-relay`. `RUNS` and
 * `PACKETS` change how long it takes. Read ratios, not microseconds, and only of a machine that does nothing else.
 */
import { spawn, spawnSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const RUNS = Number(process.env.RUNS ?? 3);
const PACKETS = Number(process.env.PACKETS ?? 4_000);
const CLIENTS = 20;
const BYTES = 1_000;
const CLOCK_TICKS_PER_SECOND = 100;
/** So that the code is compiled before it is measured: a server runs for months. */
const WARM_UP_PACKETS = 500;
const READY_LIMIT_MS = 10_000;

if (process.argv[2] === "server") await runServer(Number(process.argv[3]));
else await runBench();

async function runServer(port) {
  const { createTurnServer } = await import("@naru/turn");
  await createTurnServer({
    realm: "bench",
    users: { u: "p" },
    relay: [{ address: "127.0.0.1" }],
    peers: { allow: ["127.0.0.0/8"] },
    quota: { perUser: 10_000, perAddress: 10_000 },
    limits: { bitrateBps: Number.POSITIVE_INFINITY },
    listen: [{ transport: "udp", address: "127.0.0.1", port }],
  });
}

async function runBench() {
  if (spawnSync("turnutils_uclient", ["-?"]).error !== undefined) {
    console.log("coturn is not installed: apt-get install coturn");
    return;
  }
  console.log(`${cpus()[0]?.model}, ${availableParallelism()} cores, Node ${process.version}`);
  const peerPort = await freePort();
  const peer = spawn("turnutils_peer", ["-L", "127.0.0.1", "-p", `${peerPort}`], { stdio: "ignore" });
  const results = { naru: [], coturn: [] };
  try {
    for (let run = 0; run < RUNS; run++) {
      for (const name of ["naru", "coturn"]) {
        const result = await measure(name, peerPort);
        results[name].push(result.microseconds);
        console.log(`${name.padEnd(8)} ${describe(result)}`);
      }
    }
  } finally {
    await stop(peer);
  }
  const [naru, coturn] = [median(results.naru), median(results.coturn)];
  console.log(
    `median   naru ${naru.toFixed(2)} µs, coturn ${coturn.toFixed(2)} µs: ${(naru / coturn).toFixed(2)} times`,
  );
}

/** One server, warmed up, under load once. */
async function measure(name, peerPort) {
  const port = await freePort();
  const server = name === "naru" ? startNaru(port) : startCoturn(port);
  try {
    await untilAnswering(port);
    await load(port, peerPort, WARM_UP_PACKETS);
    const before = cpuTicks(server.pid);
    const { sent, received } = await load(port, peerPort, PACKETS);
    const after = cpuTicks(server.pid);
    const perTick = 1_000_000 / CLOCK_TICKS_PER_SECOND;
    // Each packet that comes back was relayed twice; one that was lost, at least once.
    const relayed = sent + received;
    const user = ((after.user - before.user) * perTick) / relayed;
    const system = ((after.system - before.system) * perTick) / relayed;
    return { microseconds: user + system, user, system, lost: sent - received };
  } finally {
    await stop(server);
  }
}

function describe({ microseconds, user, system, lost }) {
  return `${microseconds.toFixed(2)} µs a packet (user ${user.toFixed(2)}, system ${system.toFixed(2)}), ${lost} lost`;
}

function startNaru(port) {
  return spawn(process.execPath, [fileURLToPath(import.meta.url), "server", `${port}`], {
    stdio: ["ignore", "inherit", "inherit"],
  });
}

function startCoturn(port) {
  const options = [
    "-n --listening-ip=127.0.0.1 --relay-ip=127.0.0.1 --user=u:p --realm=bench --lt-cred-mech --allow-loopback-peers",
    "--no-cli --no-tls --no-dtls --no-tcp --relay-threads=1 --log-file=/dev/null --user-quota=0 --total-quota=0",
    `--listening-port=${port}`,
  ];
  return spawn("turnserver", options.join(" ").split(" "), { stdio: "ignore" });
}

async function load(port, peerPort, packets) {
  const client = spawn("turnutils_uclient", [
    ...["-u", "u", "-w", "p", "-p", `${port}`, "-e", "127.0.0.1", "-r", `${peerPort}`, "-L", "127.0.0.1"],
    ...["-c", "-X", "-n", `${packets}`, "-m", `${CLIENTS}`, "-l", `${BYTES}`, "-z", "1", "127.0.0.1"],
  ]);
  let output = "";
  client.stdout.on("data", (chunk) => {
    output += chunk;
  });
  client.stderr.resume();
  await once(client, "close");
  const last = (name) => Number([...output.matchAll(new RegExp(`${name}=(\\d+)`, "g"))].at(-1)?.[1] ?? 0);
  return { sent: last("tot_send_msgs"), received: last("tot_recv_msgs") };
}

/** Time in user and kernel mode of a process, in clock ticks. */
function cpuTicks(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
  return { user: Number(fields[11]), system: Number(fields[12]) };
}

/** Asks for its address until the server says it. */
async function untilAnswering(port) {
  const socket = createSocket("udp4");
  const answered = once(socket, "message");
  const request = Buffer.from("000100002112a442000000000000000000000001", "hex");
  const started = performance.now();
  let isReady = false;
  answered.then(() => {
    isReady = true;
  });
  while (!isReady) {
    if (performance.now() - started > READY_LIMIT_MS) throw new Error("the server does not answer");
    socket.send(request, port, "127.0.0.1");
    await delay(100);
  }
  socket.close();
}

async function stop(child) {
  if (child.exitCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}

async function freePort() {
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address();
  socket.close();
  await once(socket, "close");
  return port;
}

function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
