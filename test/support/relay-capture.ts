/**
 * What passes at the relay, seen from outside by tcpdump on the loopback interface of the tests' own network, where
 * all of it passes. Read by code that shares nothing with what is tested.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { findProgram } from "./requirements.ts";
import { eventually } from "./server.ts";

/** What a datagram is by its first byte (RFC 7983 §7); `other` is anything that no relayed call may contain. */
export type DatagramKind = "stun" | "channelData" | "dtls" | "srtp" | "other";

/** A datagram, and what is inside it when it is STUN with data or ChannelData. */
export interface CapturedDatagram {
  readonly kind: DatagramKind;
  readonly inner: DatagramKind | undefined;
  readonly payload: Buffer;
}

/** A capture that has ended. */
export interface Capture {
  /** Everything, headers and TCP included. */
  readonly bytes: Buffer;
  readonly datagrams: readonly CapturedDatagram[];
}

const MAGIC_COOKIE = 0x2112_a442;
const DATA_ATTRIBUTE = 0x0013;
const ETHERNET_BYTES = 14;
const IPV4 = 0x0800;
const IPV6 = 0x86dd;
const UDP = 17;
/** More than half a minute of two people. */
const MAX_CAPTURE_BYTES = 512 * 1024 * 1024;

export class RelayCapture {
  readonly #process: ChildProcess;
  readonly #chunks: Buffer[] = [];
  #size = 0;

  private constructor(process: ChildProcess) {
    this.#process = process;
    process.stdout?.on("data", (chunk: Buffer) => {
      this.#size += chunk.length;
      if (this.#size <= MAX_CAPTURE_BYTES) this.#chunks.push(chunk);
    });
  }

  /**
   * Begins; resolves as soon as nothing is missed any more. The caller ends it.
   *
   * @param filter - Which packets, as `pcap-filter` has it.
   */
  static async start(filter: string): Promise<RelayCapture> {
    const program = findProgram("tcpdump");
    if (program === undefined) throw new Error("tcpdump is not installed");
    const child = spawn(program, ["-i", "lo", "-n", "-U", "-B", "32768", "-w", "-", filter], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let said = "";
    child.stderr.on("data", (chunk: Buffer) => {
      said += chunk.toString();
    });
    const capture = new RelayCapture(child);
    await eventually("tcpdump to listen", () => said.includes("listening on"), 10_000).catch(() => {
      child.kill("SIGKILL");
      throw new Error(`tcpdump does not listen: ${said}`);
    });
    return capture;
  }

  /** Ends it, and answers what it saw. */
  async stop(): Promise<Capture> {
    if (this.#process.exitCode === null) {
      const closed = once(this.#process, "close");
      this.#process.kill("SIGINT");
      await closed;
    }
    if (this.#size > MAX_CAPTURE_BYTES) throw new Error(`more than ${MAX_CAPTURE_BYTES} bytes passed`);
    const bytes = Buffer.concat(this.#chunks);
    return { bytes, datagrams: udpPayloads(bytes).map(classify) };
  }
}

/** Payloads of the UDP datagrams in a file of the classic pcap format, Ethernet, as this machine writes it. */
function udpPayloads(file: Buffer): Buffer[] {
  const payloads: Buffer[] = [];
  let offset = 24;
  while (offset + 16 <= file.length) {
    const length = file.readUInt32LE(offset + 8);
    const frame = file.subarray(offset + 16, offset + 16 + length);
    offset += 16 + length;
    const payload = udpPayload(frame);
    if (payload !== undefined) payloads.push(payload);
  }
  return payloads;
}

function udpPayload(frame: Buffer): Buffer | undefined {
  const type = frame.readUInt16BE(ETHERNET_BYTES - 2);
  const packet = frame.subarray(ETHERNET_BYTES);
  const headerBytes = type === IPV4 ? (packet[0]! & 0x0f) * 4 : 40;
  const protocol = type === IPV4 ? packet[9] : packet[6];
  if ((type !== IPV4 && type !== IPV6) || protocol !== UDP) return undefined;
  const length = packet.readUInt16BE(headerBytes + 4);
  return packet.subarray(headerBytes + 8, headerBytes + length);
}

function classify(payload: Buffer): CapturedDatagram {
  const kind = kindOf(payload);
  const data =
    kind === "channelData" ? channelData(payload) : kind === "stun" ? stunData(payload) : undefined;
  return { kind, inner: data === undefined ? undefined : kindOf(data), payload };
}

function kindOf(payload: Buffer): DatagramKind {
  const first = payload[0];
  if (first === undefined) return "other";
  if (first <= 3) return isStun(payload) ? "stun" : "other";
  if (first >= 20 && first <= 63) return "dtls";
  if (first >= 64 && first <= 79) return "channelData";
  return first >= 128 && first <= 191 ? "srtp" : "other";
}

function isStun(payload: Buffer): boolean {
  return (
    payload.length >= 20 &&
    payload.readUInt32BE(4) === MAGIC_COOKIE &&
    payload.readUInt16BE(2) === payload.length - 20
  );
}

/** RFC 8656 §12.4: two bytes of number, two of length, the data; over UDP padding may follow. */
function channelData(payload: Buffer): Buffer {
  return payload.subarray(4, 4 + payload.readUInt16BE(2));
}

/** Data of a Send or Data indication (RFC 8656 §18.4). */
function stunData(payload: Buffer): Buffer | undefined {
  let offset = 20;
  while (offset + 4 <= payload.length) {
    const length = payload.readUInt16BE(offset + 2);
    if (payload.readUInt16BE(offset) === DATA_ATTRIBUTE)
      return payload.subarray(offset + 4, offset + 4 + length);
    offset += 4 + Math.ceil(length / 4) * 4;
  }
  return undefined;
}
