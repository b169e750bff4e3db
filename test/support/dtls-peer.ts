/** A DTLS connection of ours on a UDP socket on loopback, and certificates for the other side. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { join } from "node:path";
import { DtlsCertificate, DtlsConnection, type DtlsEvent, type DtlsOptions } from "@naru/webrtc/dtls";
import { PacketArena } from "@naru/webrtc/kernel";
import { createNodePlatform } from "@naru/webrtc/node";
import { SILENT_LOGGER } from "@naru/webrtc/sansio";
import { findProgram } from "./requirements.ts";

const platform = createNodePlatform();
const environment = { crypto: platform.crypto, random: platform.random, log: SILENT_LOGGER };
const HOST = "127.0.0.1";

/** What our side authenticates with. */
export const OUR_CERTIFICATES: Readonly<Record<"ecdsa" | "rsa", DtlsCertificate>> = {
  ecdsa: ourCertificate("ecdsa-p256"),
  rsa: ourCertificate("rsa-2048"),
};

function ourCertificate(algorithm: "ecdsa-p256" | "rsa-2048"): DtlsCertificate {
  const options = { wallClock: platform.wallClock() };
  return DtlsCertificate.generate(platform.crypto, platform.random, options, algorithm);
}

/** A connection with its socket. */
export class DtlsPeer {
  readonly connection: DtlsConnection;
  readonly events: DtlsEvent[] = [];
  readonly received: Uint8Array[] = [];
  readonly #socket: Socket;
  #remotePort: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #waiting: (() => void)[] = [];

  private constructor(socket: Socket, options: DtlsOptions, remotePort: number | undefined) {
    this.connection = new DtlsConnection(environment, new PacketArena(64), options);
    this.#socket = socket;
    this.#remotePort = remotePort;
    socket.on("message", (message, from) => {
      this.#remotePort ??= from.port;
      this.connection.handleInput(message, platform.now());
      this.#pump();
    });
    // A peer that is gone answers with ICMP.
    socket.on("error", () => undefined);
  }

  static async open(options: DtlsOptions, remotePort?: number): Promise<DtlsPeer> {
    const socket = createSocket("udp4");
    socket.bind(0, HOST);
    await once(socket, "listening");
    return new DtlsPeer(socket, options, remotePort);
  }

  get port(): number {
    return this.#socket.address().port;
  }

  start(): void {
    this.connection.start(platform.now());
    this.#pump();
  }

  send(data: Uint8Array): void {
    this.connection.send(data, platform.now());
    this.#pump();
  }

  updateKeys(): boolean {
    const isBegun = this.connection.updateKeys(platform.now());
    this.#pump();
    return isBegun;
  }

  /** Ends the connection and keeps the socket. */
  sayGoodbye(): void {
    this.connection.close();
    this.#pump();
  }

  close(): void {
    this.sayGoodbye();
    clearTimeout(this.#timer);
    this.#socket.close();
  }

  /** Waits until `find` finds something among what has happened. */
  async until<T>(find: () => T | undefined, limitMs = 15_000): Promise<T> {
    const deadline = platform.now() + limitMs;
    for (let found = find(); ; found = find()) {
      if (found !== undefined) return found;
      if (platform.now() > deadline) {
        const { state, counters } = this.connection;
        throw new Error(
          `waited for ${limitMs} ms; DTLS is ${state}, ${JSON.stringify([counters, this.events])}`,
        );
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 100);
        this.#waiting.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  /** The event of a type, when it comes. */
  async event<Type extends DtlsEvent["type"]>(type: Type): Promise<Extract<DtlsEvent, { type: Type }>> {
    return this.until(() =>
      this.events.find((event): event is Extract<DtlsEvent, { type: Type }> => event.type === type),
    );
  }

  #pump(): void {
    const { connection } = this;
    for (let slot = connection.pollTransmit(); slot !== undefined; slot = connection.pollTransmit()) {
      const bytes = slot.bytes.slice(slot.start, slot.end);
      slot.arena.release(slot);
      if (this.#remotePort !== undefined) this.#socket.send(bytes, this.#remotePort, HOST);
    }
    for (let event = connection.pollEvent(); event !== undefined; event = connection.pollEvent()) {
      if (event.type !== "data") {
        this.events.push(event);
        // What a test wants to know of the peer's certificate it sees in the event.
        if (event.type === "certificate") connection.acceptRemoteCertificate();
        continue;
      }
      const { packet } = event;
      this.received.push(packet.bytes.slice(packet.start, packet.end));
      packet.arena.release(packet);
    }
    clearTimeout(this.#timer);
    const at = connection.pollTimeout();
    if (at !== Number.POSITIVE_INFINITY) {
      this.#timer = setTimeout(
        () => {
          connection.handleTimeout(platform.now());
          this.#pump();
        },
        Math.max(0, at - platform.now()),
      );
    }
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }
}

/** A certificate and its key in files, PEM and DER. */
export interface CertificateFiles {
  readonly certificate: string;
  readonly key: string;
  readonly certificateDer: string;
  readonly keyDer: string;
}

/** Has OpenSSL make a self-signed certificate in `folder`. */
export function makeCertificateFiles(folder: string, type: "ecdsa" | "rsa"): CertificateFiles {
  const openssl = findProgram("openssl") ?? "openssl";
  const path = (name: string): string => join(folder, `${type}-${name}`);
  const files = {
    certificate: path("cert.pem"),
    key: path("key.pem"),
    certificateDer: path("cert.der"),
    keyDer: path("key.der"),
  };
  const algorithm =
    type === "rsa" ? ["-newkey", "rsa:2048"] : ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
  const run = (...args: string[]): void => void execFileSync(openssl, args, { stdio: "ignore" });
  run(
    ...["req", "-x509", ...algorithm, "-nodes", "-days", "2", "-subj", "/CN=peer"],
    ...["-keyout", files.key, "-out", files.certificate],
  );
  run("x509", "-in", files.certificate, "-outform", "DER", "-out", files.certificateDer);
  run("pkcs8", "-topk8", "-nocrypt", "-in", files.key, "-outform", "DER", "-out", files.keyDer);
  return files;
}

/** A program on the other side, with what it has said. */
export class OtherSide {
  output = "";
  readonly process: ChildProcess;

  constructor(command: string, args: readonly string[]) {
    this.process = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"] });
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.output += text;
      });
    }
  }

  write(text: string): void {
    this.process.stdin?.write(text);
  }

  /** Waits until it has said something that matches, and returns the match. */
  async says(pattern: RegExp, limitMs = 15_000): Promise<RegExpExecArray> {
    const deadline = performance.now() + limitMs;
    for (;;) {
      const match = pattern.exec(this.output);
      if (match !== null) return match;
      if (performance.now() > deadline) {
        throw new Error(`the other side has not said ${pattern} within ${limitMs} ms:\n${this.output}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  stop(): void {
    this.process.kill("SIGKILL");
  }
}

/** A UDP port that was free a moment ago. */
export async function freeUdpPort(): Promise<number> {
  const socket = createSocket("udp4");
  socket.bind(0, HOST);
  await once(socket, "listening");
  const { port } = socket.address();
  socket.close();
  await once(socket, "close");
  return port;
}
