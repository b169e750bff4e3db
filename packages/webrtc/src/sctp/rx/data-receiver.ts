import { distance32 } from "../../bytes/index.ts";
import type { Millis } from "../../sansio/index.ts";
import type { DataFields } from "../chunk/data.ts";
import { DataFlag } from "../chunk/data.ts";
import type { ForwardTsnChunk } from "../chunk/forward-tsn.ts";
import type { ReassemblyFailure, ReassemblyLimits } from "./fragment-store.ts";
import type { SctpMessageEvent } from "./inbound-streams.ts";
import { Reassembly } from "./reassembly.ts";
import { ReceivedTsns } from "./received-tsns.ts";

/** What a receiver is made with. */
export interface DataReceiverOptions extends ReassemblyLimits {
  readonly initialTsn: number;
  readonly isInterleaved: boolean;
  /** The receive window, in bytes. */
  readonly windowBytes: number;
  readonly sackDelayMs: number;
}

/** RFC 9260 §6.2: an acknowledgement for every second packet. */
const PACKETS_PER_SACK = 2;
/** Messages that wait to be taken. They are taken after every turn; a batch of packets does not bring as many. */
const MAX_READY = 65_536;

/** The receiving half of an association: which TSNs came, the messages in them, and when to say so. */
export class DataReceiver {
  readonly #tsns: ReceivedTsns;
  readonly #reassembly: Reassembly;
  readonly #windowBytes: number;
  readonly #sackDelayMs: number;
  /** Packets with data since the last SACK. */
  #packets = 0;
  #isSackDue = false;
  #sackAt: Millis = Number.POSITIVE_INFINITY;
  /** Whether the current packet has brought data. */
  #packetHasData = false;
  /** Chunks that were not taken for want of room. */
  refused = 0;
  duplicates = 0;

  constructor(options: DataReceiverOptions) {
    this.#tsns = new ReceivedTsns(options.initialTsn);
    this.#reassembly = new Reassembly(options.isInterleaved, options);
    this.#windowBytes = options.windowBytes;
    this.#sackDelayMs = options.sackDelayMs;
  }

  get cumulativeTsn(): number {
    return this.#tsns.cumulative;
  }

  /** What may still be sent to us (RFC 9260 §6.2). */
  get aRwnd(): number {
    return Math.max(0, this.#windowBytes - this.#reassembly.windowBytes);
  }

  /** Takes a DATA or I-DATA chunk that has user data. */
  handleData(packet: Uint8Array, fields: DataFields): ReassemblyFailure | undefined {
    this.#packetHasData = true;
    if ((fields.flags & DataFlag.immediate) !== 0) this.#isSackDue = true;
    const kind = this.#tsns.classify(fields.tsn);
    if (kind !== "new") {
      if (kind === "duplicate") this.duplicates++;
      else this.refused++;
      // RFC 9260 §6.2: duplicates are told at once: our acknowledgement may have been lost.
      this.#isSackDue = true;
      return undefined;
    }
    // RFC 9260 §6.2: without room only what fills the first gap is taken; it is what frees the rest.
    const isNext = distance32(fields.tsn, this.#tsns.cumulative) === 1;
    if (!isNext && (this.aRwnd === 0 || this.#reassembly.readyCount >= MAX_READY)) {
      this.refused++;
      this.#isSackDue = true;
      return undefined;
    }
    const hadGaps = this.#tsns.hasGaps;
    this.#tsns.add(fields.tsn);
    // RFC 9260 §6.7: a gap, or its end, is told at once.
    if (hadGaps || this.#tsns.hasGaps) this.#isSackDue = true;
    return this.#reassembly.add(packet, fields);
  }

  /** Takes a FORWARD TSN or I-FORWARD-TSN. */
  handleForwardTsn(chunk: ForwardTsnChunk): void {
    this.#packetHasData = true;
    // RFC 3758 §3.6: one that tells nothing new is answered at once, since the SACK may have been lost.
    this.#isSackDue = true;
    const previous = this.#tsns.cumulative;
    if (!this.#tsns.forward(chunk.newCumulativeTsn)) return;
    this.#reassembly.forward(previous, chunk.newCumulativeTsn, chunk.skipped);
  }

  /** RFC 6525 §5.2.2 E3. */
  resetStreams(streamIds: readonly number[] | "all"): void {
    this.#reassembly.reset(streamIds);
  }

  /** Asks for a SACK with the next packet. */
  requestSack(): void {
    this.#isSackDue = true;
  }

  /** The packet is over: decides about the SACK. */
  endPacket(now: Millis): void {
    if (!this.#packetHasData) return;
    this.#packetHasData = false;
    this.#packets++;
    if (this.#packets >= PACKETS_PER_SACK) this.#isSackDue = true;
    else if (this.#sackAt === Number.POSITIVE_INFINITY) this.#sackAt = now + this.#sackDelayMs;
  }

  handleTimeout(now: Millis): void {
    if (now >= this.#sackAt) this.#isSackDue = true;
  }

  /** Whether a packet has to be sent for a SACK. */
  get isSackDue(): boolean {
    return this.#isSackDue;
  }

  /** Whether a SACK would tell something new: worth a few bytes in a packet that is sent anyway. */
  get hasNews(): boolean {
    return this.#isSackDue || this.#packets > 0;
  }

  get sackBytes(): number {
    return this.#tsns.sackBytes;
  }

  /** Writes a SACK (see {@link ReceivedTsns.writeSack}) and starts counting anew. */
  writeSack(bytes: Uint8Array, offset: number, limit: number): number {
    this.#isSackDue = false;
    this.#packets = 0;
    this.#sackAt = Number.POSITIVE_INFINITY;
    return this.#tsns.writeSack(bytes, offset, limit, this.aRwnd);
  }

  pollMessage(): SctpMessageEvent | undefined {
    return this.#reassembly.shift();
  }

  pollTimeout(): Millis {
    return this.#isSackDue ? Number.POSITIVE_INFINITY : this.#sackAt;
  }
}
