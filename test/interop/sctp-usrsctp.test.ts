/** SCTP with usrsctp, the stack of FreeBSD and of Firefox, over UDP encapsulation (RFC 6951): as client and as server. */
import { type ChildProcess, spawn } from "node:child_process";
import { createSocket, type Socket } from "node:dgram";
import { accessSync, constants } from "node:fs";
import { PacketArena, type PacketSlot } from "@naru/webrtc/kernel";
import { createNodePlatform } from "@naru/webrtc/node";
import { type Core, SILENT_LOGGER } from "@naru/webrtc/sansio";
import { SctpAssociation, type SctpEvent, type SctpOptions } from "@naru/webrtc/sctp";
import { afterEach, describe, expect, test } from "vitest";

const FOLDER = "/usr/lib/usrsctp";
const missing = isExecutable(`${FOLDER}/echo_server`)
  ? undefined
  : `${FOLDER}/echo_server not found: apt-get install libusrsctp-examples`;

const platform = createNodePlatform();
const environment = { crypto: platform.crypto, random: platform.random, log: SILENT_LOGGER };

describe.skipIf(missing !== undefined)(`usrsctp ${missing ?? ""}`, () => {
  const open: { close(): void }[] = [];
  afterEach(() => {
    for (const one of open.splice(0)) one.close();
  });

  function run(program: string, ...args: (string | number)[]): Program {
    const other = new Program(program, args.map(String));
    open.push(other);
    return other;
  }

  function associate(
    theirPort: number,
    options: Partial<SctpOptions>,
  ): Encapsulated<SctpEvent> & { readonly association: SctpAssociation } {
    const association = new SctpAssociation(environment, new PacketArena(1024), {
      isZeroChecksumEnabled: false,
      ...options,
    });
    const peer = new Encapsulated<SctpEvent>(() => association, theirPort);
    open.push(peer);
    return Object.assign(peer, { association });
  }

  // → INIT   ← INIT ACK   → COOKIE ECHO   ← COOKIE ACK   → DATA …   ← DATA …   → SHUTDOWN
  test("its echo server returns messages of every size, in order, and takes part in a shutdown", async () => {
    const [theirs, ours] = [await freeUdpPort(), await freeUdpPort()];
    run("echo_server", theirs, ours);
    await sleep(300);
    const peer = associate(theirs, { localPort: 5000, remotePort: 7 });
    peer.bindTo(ours);
    const { association } = peer;
    association.connect(platform.now());
    peer.pump();
    await peer.until(({ type }) => type === "connected");
    // It reads into a buffer of 10,240 bytes.
    const sizes = [1, 100, 1_100, 5_000, 9_000, 3, 10_000, 7];
    for (const [index, size] of sizes.entries()) {
      association.send(index % 3, 0, new Uint8Array(size).fill(index), undefined, platform.now());
    }
    peer.pump();
    await peer.until(() => peer.events.filter(({ type }) => type === "message").length === sizes.length);
    const returned = peer.events.flatMap((event) => (event.type === "message" ? [event.bytes] : []));
    expect(new Set(returned.map((bytes) => bytes.length))).toEqual(new Set(sizes));
    for (const bytes of returned)
      expect(bytes.every((byte) => byte === sizes.indexOf(bytes.length))).toBe(true);
    association.shutdown(platform.now());
    peer.pump();
    await peer.until(({ type }) => type === "closed");
    expect(peer.events.at(-1)).toMatchObject({ type: "closed", reason: "shutdown" });
  });

  test("its discard server takes two megabytes", async () => {
    const [theirs, ours] = [await freeUdpPort(), await freeUdpPort()];
    run("discard_server", theirs, ours);
    await sleep(300);
    const peer = associate(theirs, { localPort: 5001, remotePort: 9 });
    peer.bindTo(ours);
    const { association } = peer;
    association.connect(platform.now());
    peer.pump();
    await peer.until(({ type }) => type === "connected");
    for (let i = 0; i < 32; i++) association.send(0, 0, new Uint8Array(65_536), undefined, platform.now());
    peer.pump();
    await peer.while(() => association.bufferedBytes > 0 || association.statistics.flightBytes > 0);
    expect(association.state).toBe("established");
  });

  // ← INIT   → INIT ACK   ← COOKIE ECHO   → COOKIE ACK
  test("its client connects to us, and what is typed comes back", async () => {
    const [theirs, ours] = [await freeUdpPort(), await freeUdpPort()];
    const peer = associate(theirs, { localPort: 7, remotePort: 40_000 });
    peer.bindTo(ours);
    const client = run("client", "127.0.0.1", 7, 40_000, theirs, ours);
    await peer.until(({ type }) => type === "connected");
    client.write("hello from usrsctp\n");
    const message = await peer.until(({ type }) => type === "message");
    expect(message.type === "message" && new TextDecoder().decode(message.bytes)).toContain(
      "hello from usrsctp",
    );
    peer.association.send(0, 0, new TextEncoder().encode("hello from naru"), undefined, platform.now());
    peer.pump();
    await client.untilOutput("hello from naru");
    client.end();
    await peer.until(({ type }) => type === "closed");
    expect(peer.events.at(-1)).toMatchObject({ reason: "shutdown" });
  });

  // ← INIT   → INIT ACK   ← COOKIE ECHO   → COOKIE ACK   ← DATA …   ← SHUTDOWN
  test("its benchmark sends us five hundred messages of ten kilobytes", async () => {
    const [theirs, ours] = [await freeUdpPort(), await freeUdpPort()];
    // It takes whatever port it likes.
    const peer = new Encapsulated<SctpEvent>((remotePort) => {
      const options = { isZeroChecksumEnabled: false, localPort: 5001, remotePort };
      return new SctpAssociation(environment, new PacketArena(1024), options);
    }, theirs);
    open.push(peer);
    peer.bindTo(ours);
    const sizes = ["-l", 10_000, "-n", 500];
    run("tsctp", "-E", theirs, "-U", ours, "-p", 5001, "-L", "127.0.0.1", ...sizes, "127.0.0.1");
    await peer.until(({ type }) => type === "closed");
    expect(peer.events.at(-1)).toMatchObject({ reason: "shutdown" });
    const messages = peer.events.filter(({ type }) => type === "message");
    expect(messages).toHaveLength(500);
    expect(received(peer.events)).toBe(5_000_000);
  });
});

function received(events: readonly SctpEvent[]): number {
  return events.reduce((sum, event) => sum + (event.type === "message" ? event.bytes.length : 0), 0);
}

/** A core on a socket, packets in datagrams as they are. */
class Encapsulated<Event> {
  readonly events: Event[] = [];
  readonly #create: (remotePort: number) => Core<Uint8Array, PacketSlot, Event>;
  readonly #theirPort: number;
  #core: Core<Uint8Array, PacketSlot, Event> | undefined;
  #socket: Socket | undefined;
  #timer: NodeJS.Timeout | undefined;
  #seen = 0;

  /** @param create - Makes the core, when it is first needed; a port of 0 when it is we who start. */
  constructor(create: (remotePort: number) => Core<Uint8Array, PacketSlot, Event>, theirPort: number) {
    this.#create = create;
    this.#theirPort = theirPort;
  }

  bindTo(port: number): void {
    const socket = createSocket("udp4");
    socket.on("message", (bytes) => {
      this.#core ??= this.#create(bytes.readUInt16BE(0));
      this.#core.handleInput(bytes, platform.now());
      this.pump();
    });
    socket.bind(port, "127.0.0.1");
    this.#socket = socket;
  }

  pump(): void {
    this.#core ??= this.#create(0);
    const core = this.#core;
    for (let slot = core.pollTransmit(); slot; slot = core.pollTransmit()) {
      const sent = slot;
      this.#socket?.send(sent.bytes, sent.start, sent.end - sent.start, this.#theirPort, "127.0.0.1", () =>
        sent.arena.release(sent),
      );
    }
    for (let event = core.pollEvent(); event !== undefined; event = core.pollEvent()) this.events.push(event);
    clearTimeout(this.#timer);
    const at = core.pollTimeout();
    if (at === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(
      () => {
        core.handleTimeout(platform.now());
        this.pump();
      },
      Math.max(0, Math.min(at - platform.now(), 60_000)),
    );
  }

  /** The next event for which `predicate` holds; each is looked at once. */
  async until(predicate: (event: Event) => boolean): Promise<Event> {
    const deadline = Date.now() + 15_000;
    while (Date.now() < deadline) {
      while (this.#seen < this.events.length) {
        const event = this.events[this.#seen++]!;
        if (predicate(event)) return event;
      }
      await sleep(10);
    }
    throw new Error(`it did not come; there were ${this.events.length} events`);
  }

  async while(predicate: () => boolean): Promise<void> {
    const deadline = Date.now() + 30_000;
    while (predicate()) {
      if (Date.now() > deadline) throw new Error("it did not end");
      await sleep(20);
    }
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#socket?.close();
    this.#socket = undefined;
  }
}

/** One of usrsctp's programs. */
class Program {
  readonly #child: ChildProcess;
  #output = "";

  constructor(name: string, args: readonly string[]) {
    this.#child = spawn("stdbuf", ["-o0", "-e0", `${FOLDER}/${name}`, ...args]);
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on("data", (data: Buffer) => {
        // The Debian build logs every packet: what is looked for comes soon after it happens.
        this.#output = (this.#output + data.toString("latin1")).slice(-4_000_000);
      });
    }
    this.#child.stdin?.on("error", () => undefined);
  }

  write(text: string): void {
    this.#child.stdin?.write(text);
  }

  end(): void {
    this.#child.stdin?.end();
  }

  async untilOutput(text: string): Promise<void> {
    const deadline = Date.now() + 10_000;
    while (!this.#output.includes(text)) {
      if (Date.now() > deadline) throw new Error(`it did not print "${text}"`);
      await sleep(10);
    }
  }

  close(): void {
    this.#child.kill("SIGKILL");
  }
}

async function freeUdpPort(): Promise<number> {
  const socket = createSocket("udp4");
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(() => resolve()));
  return port;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    // The answer to the question.
    return false;
  }
}
