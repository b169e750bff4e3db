import type { TransportAddress } from "../bytes/index.ts";
import type { PlatformTimer, StreamHandler, StreamIo } from "../platform/index.ts";
import type { Millis } from "../sansio/index.ts";
import type { Packet, TcpSegment } from "./packet.ts";
import { SystemError } from "./system-error.ts";
import type { VirtualClock } from "./virtual-clock.ts";

/** RFC 9293 §3.7.1: a segment for Ethernet's MTU without options. */
const SEGMENT_BYTES = 1400;
/** RFC 6928 §2: ten segments may go out before the first acknowledgement. */
const INITIAL_WINDOW_BYTES = 10 * SEGMENT_BYTES;
/** More than this waiting makes `write` ask for patience. Node's own mark is 16 KiB; sockets hold more. */
const HIGH_WATER_BYTES = 65_536;
/** RFC 6298 §2.1 and §2.4; Linux uses 200 ms as the floor. */
const INITIAL_TIMEOUT_MS = 1000;
const MINIMUM_TIMEOUT_MS = 200;
/** After so many retransmissions of one segment the connection is given up: from 100 s on, by the round trip. */
const MAXIMUM_RETRANSMISSIONS = 8;
/** Out-of-order segments kept; the sender's window stays far below. */
const MAXIMUM_OUT_OF_ORDER = 4096;
/** What arrives while nobody reads, up to a system's receive buffer; the rest is not acknowledged and comes again. */
const RECEIVE_BUFFER_BYTES = 65_536;
/** What a TLS 1.3 handshake is in bytes: the first flight of the client and the one of the server. */
const CLIENT_HELLO_BYTES = 320;
const SERVER_HELLO_BYTES = 1100;
const SPENT_BYTE = 0xdb;

/** What a stream needs of its host. */
export interface StreamHost {
  readonly clock: VirtualClock;
  sendTcp(from: TransportAddress, to: TransportAddress, bytes: Uint8Array, segment: TcpSegment): void;
  forgetStream(stream: VirtualStream): void;
}

/** What a new connection is to its host: how it opens, and how it fails before that. */
export interface StreamOpening {
  /** The client sends SYN, the server answers one. */
  readonly role: "client" | "server";
  /** Client: judges the certificate of the server (undefined when it speaks no TLS). Left out for plain TCP. */
  readonly judgeCertificate?: (certificate: string | undefined) => SystemError | undefined;
  /** Server: its certificate, for TLS. */
  readonly certificate?: string | undefined;
  /** The connection is established: gives who is told about it from now on. */
  onOpen(stream: VirtualStream): StreamHandler;
  /** It never will be. */
  onFailure(error: SystemError): void;
}

interface Outstanding {
  readonly sequence: number;
  readonly length: number;
  readonly flags: TcpSegment["flags"];
  readonly bytes: Uint8Array;
  readonly isHandshake: boolean;
  readonly sentAt: Millis;
  retransmissions: number;
}

type StreamState = "connecting" | "handshaking" | "open" | "closed";

const NOTHING = new Uint8Array(0);

/**
 * One end of a simulated TCP connection: handshake, acknowledgements, retransmission, slow start and congestion
 * avoidance (RFC 5681, RFC 6298 in outline), so that loss and rate limits act on it as they do on TCP. TLS is
 * opaque: two flights of about the right size, one more round trip, and the question whether the certificate is
 * trusted.
 */
export class VirtualStream implements StreamIo {
  readonly localAddress: TransportAddress;
  readonly remoteAddress: TransportAddress;
  readonly #host: StreamHost;
  readonly #opening: StreamOpening;
  readonly #timer: PlatformTimer;
  #handler: StreamHandler | undefined;
  #state: StreamState = "connecting";

  readonly #unsent: { bytes: Uint8Array; isHandshake: boolean }[] = [];
  #unsentBytes = 0;
  readonly #outstanding: Outstanding[] = [];
  #outstandingBytes = 0;
  #nextSequence = 0;
  #acked = 0;
  #duplicateAcks = 0;
  #recoverUntil = -1;
  #window = INITIAL_WINDOW_BYTES;
  #slowStartThreshold = Number.POSITIVE_INFINITY;
  #smoothedRttMs: number | undefined;
  #timeoutMs = INITIAL_TIMEOUT_MS;
  #isEnding = false;
  #isFinSent = false;
  #needsDrain = false;

  #expected = 0;
  readonly #outOfOrder = new Map<number, Packet>();
  #hasRemoteEnded = false;
  #isPaused = false;
  readonly #unread: Uint8Array[] = [];
  #unreadBytes = 0;

  constructor(host: StreamHost, local: TransportAddress, remote: TransportAddress, opening: StreamOpening) {
    this.#host = host;
    this.localAddress = local;
    this.remoteAddress = remote;
    this.#opening = opening;
    this.#timer = host.clock.createTimer(() => this.#handleTimeout());
    // A server exists because of a SYN, which has taken the first sequence number.
    if (opening.role === "server") this.#expected = 1;
  }

  /** Sends the first segment: SYN, or the answer to one. */
  start(): void {
    this.#transmit(this.#opening.role === "client" ? "SYN" : "SYN-ACK", NOTHING, 1, false);
  }

  write(bytes: Uint8Array): boolean {
    if (this.#state === "closed" || this.#isEnding) return false;
    if (bytes.length > 0) this.#enqueue(new Uint8Array(bytes), false);
    this.#flush();
    this.#needsDrain ||= this.#unsentBytes > HIGH_WATER_BYTES;
    return this.#unsentBytes <= HIGH_WATER_BYTES;
  }

  get bufferedBytes(): number {
    return this.#unsentBytes;
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    if (this.#unread.length > 0) this.#host.clock.atEndOfInstant(() => this.#handOver());
  }

  close(): void {
    if (this.#state === "closed" || this.#isEnding) return;
    this.#isEnding = true;
    this.#flush();
  }

  destroy(): void {
    if (this.#state === "closed") return;
    this.#send("RST", this.#nextSequence, NOTHING, false);
    this.#end(undefined);
  }

  /** Gives up an attempt to connect. */
  abort(error: SystemError): void {
    if (this.#state === "connecting" || this.#state === "handshaking") this.#end(error);
  }

  /** A segment for this connection has arrived. */
  receive(packet: Packet): void {
    const segment = packet.segment;
    if (segment === undefined || this.#state === "closed") return;
    if (segment.flags === "RST") {
      this.#handleReset();
      return;
    }
    // A client learns whom it talks to from SYN-ACK; anything before that is from an older connection.
    if (this.#state === "connecting" && this.#opening.role === "client" && segment.flags !== "SYN-ACK")
      return;
    this.#handleAck(segment, packet.bytes.length);
    this.#handleSequence(packet, segment);
    this.#flush();
    this.#endWhenDone();
  }

  #handleSequence(packet: Packet, segment: TcpSegment): void {
    if (sequenceLength(segment, packet.bytes) === 0) return;
    if (segment.sequence > this.#expected && this.#outOfOrder.size < MAXIMUM_OUT_OF_ORDER) {
      this.#outOfOrder.set(segment.sequence, packet);
    }
    let next: Packet | undefined = segment.sequence === this.#expected ? packet : undefined;
    while (next?.segment !== undefined && this.#hasRoomFor(next.segment)) {
      this.#expected += sequenceLength(next.segment, next.bytes);
      this.#consume(next.bytes, next.segment);
      if (this.#isClosed()) return;
      next = this.#outOfOrder.get(this.#expected);
      this.#outOfOrder.delete(this.#expected);
    }
    this.#send("ACK", this.#nextSequence, NOTHING, false);
  }

  #consume(bytes: Uint8Array, segment: TcpSegment): void {
    if (segment.flags === "SYN-ACK") {
      this.#becomeConnected(segment.certificate);
      return;
    }
    if (segment.flags === "FIN") {
      this.#hasRemoteEnded = true;
      // Both ends close together, as Node's do unless told otherwise.
      this.#isEnding = true;
      return;
    }
    if (bytes.length === 0) return;
    if (segment.isHandshake || this.#state === "handshaking") {
      this.#handleHandshake(segment.isHandshake);
      return;
    }
    this.#unread.push(bytes.slice());
    this.#unreadBytes += bytes.length;
    this.#handOver();
  }

  /** An end is taken when everything before it has been read. */
  #hasRoomFor(segment: TcpSegment): boolean {
    if (segment.flags === "FIN") return this.#unread.length === 0;
    return this.#unreadBytes < RECEIVE_BUFFER_BYTES;
  }

  /** Lends what has arrived, unless or until the owner wants no more. */
  #handOver(): void {
    while (!this.#isPaused && !this.#isClosed()) {
      const lent = this.#unread.shift();
      if (lent === undefined) return;
      this.#unreadBytes -= lent.length;
      this.#host.clock.noteCallout();
      this.#handler?.handleData(lent);
      lent.fill(SPENT_BYTE);
    }
  }

  #becomeConnected(certificate?: string): void {
    if (this.#state !== "connecting") return;
    const { role, judgeCertificate } = this.#opening;
    if (role === "client" && judgeCertificate === undefined) {
      this.#open();
      return;
    }
    if (role === "server" && this.#opening.certificate === undefined) {
      this.#open();
      return;
    }
    this.#state = "handshaking";
    if (judgeCertificate === undefined) return;
    const error = judgeCertificate(certificate);
    if (error === undefined) {
      this.#enqueue(new Uint8Array(CLIENT_HELLO_BYTES), true);
      return;
    }
    this.#send("RST", this.#nextSequence, NOTHING, false);
    this.#end(error);
  }

  /** One flight each way. Bytes that are no TLS end the connection. */
  #handleHandshake(isHandshake: boolean): void {
    if (!isHandshake) {
      this.destroy();
      return;
    }
    if (this.#state !== "handshaking") return;
    if (this.#opening.role === "server") this.#enqueue(new Uint8Array(SERVER_HELLO_BYTES), true);
    this.#open();
  }

  #open(): void {
    this.#state = "open";
    this.#host.clock.noteCallout();
    this.#handler = this.#opening.onOpen(this);
  }

  #handleAck(segment: TcpSegment, payloadBytes: number): void {
    if (segment.flags === "SYN") return;
    if (segment.ack > this.#acked) {
      this.#handleProgress(segment.ack);
      return;
    }
    if (segment.ack < this.#acked || payloadBytes > 0 || segment.flags !== "ACK") return;
    // RFC 5681 §3.2: three duplicates mean that a segment was lost and that others arrive.
    if (this.#outstanding.length === 0 || ++this.#duplicateAcks !== 3) return;
    this.#shrinkWindow(this.#slowStartThresholdAfterLoss());
    this.#retransmitFirst();
  }

  #handleProgress(ack: number): void {
    const now = this.#host.clock.now();
    this.#acked = ack;
    this.#duplicateAcks = 0;
    let ackedBytes = 0;
    while (this.#outstanding.length > 0) {
      const first = this.#outstanding[0]!;
      if (first.sequence + first.length > ack) break;
      this.#outstanding.shift();
      ackedBytes += first.length;
      // Karn's algorithm (RFC 6298 §3): a retransmitted segment gives no sample.
      if (first.retransmissions === 0) this.#sampleRtt(now - first.sentAt);
    }
    this.#outstandingBytes -= ackedBytes;
    // Progress ends the backing off, as it does in Linux: otherwise a few lost segments cost minutes.
    const smoothed = this.#smoothedRttMs;
    this.#timeoutMs =
      smoothed === undefined ? INITIAL_TIMEOUT_MS : Math.max(MINIMUM_TIMEOUT_MS, 2 * smoothed);
    if (this.#window < this.#slowStartThreshold) this.#window += ackedBytes;
    else this.#window += (SEGMENT_BYTES * ackedBytes) / this.#window;
    this.#armTimer();
    // RFC 6582 §3.2: during recovery an acknowledgement of a part shows the next hole.
    if (ack < this.#recoverUntil && this.#outstanding.length > 0) this.#retransmitFirst();
    if (this.#opening.role === "server") this.#becomeConnected();
  }

  #sampleRtt(sampleMs: number): void {
    const smoothed = this.#smoothedRttMs;
    this.#smoothedRttMs = smoothed === undefined ? sampleMs : 0.875 * smoothed + 0.125 * sampleMs;
  }

  #handleTimeout(): void {
    const first = this.#outstanding[0];
    if (first === undefined || this.#state === "closed") return;
    if (first.retransmissions >= MAXIMUM_RETRANSMISSIONS) {
      this.#end(new SystemError("ETIMEDOUT", "read", `${this.remoteAddress}`));
      return;
    }
    // RFC 6298 §5.5 and RFC 5681 §3.1: back off, and start slowly again.
    this.#timeoutMs *= 2;
    this.#slowStartThreshold = this.#slowStartThresholdAfterLoss();
    this.#shrinkWindow(SEGMENT_BYTES);
    this.#retransmitFirst();
    this.#armTimer();
  }

  #slowStartThresholdAfterLoss(): number {
    return Math.max(this.#outstandingBytes / 2, 2 * SEGMENT_BYTES);
  }

  #shrinkWindow(windowBytes: number): void {
    this.#slowStartThreshold = Math.max(this.#slowStartThresholdAfterLoss(), windowBytes);
    this.#window = windowBytes;
    this.#recoverUntil = this.#nextSequence;
  }

  #retransmitFirst(): void {
    const first = this.#outstanding[0];
    if (first === undefined) return;
    first.retransmissions++;
    this.#send(first.flags, first.sequence, first.bytes, first.isHandshake);
  }

  #enqueue(bytes: Uint8Array, isHandshake: boolean): void {
    this.#unsent.push({ bytes, isHandshake });
    this.#unsentBytes += bytes.length;
  }

  /** Sends what the window allows, then FIN when the end was asked for. */
  #flush(): void {
    if (this.#state === "connecting" || this.#state === "closed") return;
    while (this.#unsent.length > 0 && this.#outstandingBytes < this.#window) {
      const chunk = this.#unsent[0]!;
      // Before the handshake is over only the handshake itself leaves.
      if (this.#state === "handshaking" && !chunk.isHandshake) return;
      const bytes = chunk.bytes.subarray(0, SEGMENT_BYTES);
      if (bytes.length === chunk.bytes.length) this.#unsent.shift();
      else chunk.bytes = chunk.bytes.subarray(SEGMENT_BYTES);
      this.#unsentBytes -= bytes.length;
      this.#transmit("ACK", bytes, bytes.length, chunk.isHandshake);
    }
    if (this.#unsent.length > 0) return;
    if (this.#isEnding && !this.#isFinSent) {
      this.#isFinSent = true;
      this.#transmit("FIN", NOTHING, 1, false);
    }
    if (!this.#needsDrain) return;
    this.#needsDrain = false;
    this.#host.clock.atEndOfInstant(() => this.#drain());
  }

  #drain(): void {
    if (this.#isClosed()) return;
    this.#host.clock.noteCallout();
    this.#handler?.handleDrain();
  }

  #transmit(flags: TcpSegment["flags"], bytes: Uint8Array, length: number, isHandshake: boolean): void {
    const sequence = this.#nextSequence;
    const sentAt = this.#host.clock.now();
    this.#outstanding.push({ sequence, length, flags, bytes, isHandshake, sentAt, retransmissions: 0 });
    this.#nextSequence += length;
    this.#outstandingBytes += length;
    this.#send(flags, sequence, bytes, isHandshake);
    if (this.#outstanding.length === 1) this.#armTimer();
  }

  #send(flags: TcpSegment["flags"], sequence: number, bytes: Uint8Array, isHandshake: boolean): void {
    const certificate = flags === "SYN-ACK" ? this.#opening.certificate : undefined;
    const segment = { flags, sequence, ack: this.#expected, isHandshake, certificate };
    this.#host.sendTcp(this.localAddress, this.remoteAddress, bytes, segment);
  }

  #armTimer(): void {
    const isWaiting = this.#outstanding.length > 0;
    this.#timer.arm(isWaiting ? this.#host.clock.now() + this.#timeoutMs : Number.POSITIVE_INFINITY);
  }

  #handleReset(): void {
    // A peer that is done forgets the connection; a last FIN sent again finds nobody there, which is no failure.
    if (this.#hasRemoteEnded && this.#isFinSent) {
      this.#end(undefined);
      return;
    }
    const isConnecting = this.#state === "connecting" || this.#state === "handshaking";
    const isRefused = this.#state === "connecting";
    const code = isRefused ? "ECONNREFUSED" : "ECONNRESET";
    this.#end(new SystemError(code, isConnecting ? "connect" : "read", `${this.remoteAddress}`));
  }

  #endWhenDone(): void {
    if (this.#isFinSent && this.#hasRemoteEnded && this.#outstanding.length === 0) this.#end(undefined);
  }

  /** Read through a method: handlers run in between, and the compiler would believe the state unchanged. */
  #isClosed(): boolean {
    return this.#state === "closed";
  }

  #end(error: SystemError | undefined): void {
    if (this.#isClosed()) return;
    this.#state = "closed";
    this.#timer.close();
    this.#unsent.length = 0;
    this.#unsentBytes = 0;
    this.#outstanding.length = 0;
    this.#host.forgetStream(this);
    // Told later, never from within the owner's own call.
    this.#host.clock.atEndOfInstant(() => this.#tellEnd(error));
  }

  #tellEnd(error: SystemError | undefined): void {
    this.#host.clock.noteCallout();
    if (this.#handler !== undefined) {
      this.#handler.handleClose(error);
      return;
    }
    const reason = error ?? new SystemError("ECONNABORTED", "connect", `${this.remoteAddress}`);
    this.#opening.onFailure(reason);
  }
}

/** RFC 9293 §3.4: SYN and FIN take one sequence number each. */
function sequenceLength(segment: TcpSegment, bytes: Uint8Array): number {
  return segment.flags === "ACK" || segment.flags === "RST" ? bytes.length : 1;
}
