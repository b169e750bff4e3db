import type { TransportAddress } from "../bytes/index.ts";
import type { Millis } from "../sansio/index.ts";
import { describePayload } from "./describe.ts";
import type { TcpSegment, TransportProtocol } from "./packet.ts";
import { renderText2pcap } from "./text2pcap.ts";

/** A packet that was just sent. */
export interface SentPacket {
  readonly sentAt: Millis;
  /** Name of the sender. */
  readonly from: string;
  /** Name of the receiver where there are no addresses (in a `Pair`); otherwise undefined. */
  readonly to: string | undefined;
  readonly protocol: TransportProtocol;
  /** Addresses as the sender wrote them; undefined in a `Pair`. */
  readonly source: TransportAddress | undefined;
  readonly destination: TransportAddress | undefined;
  readonly segment: TcpSegment | undefined;
  /** The payload. Must never change afterwards. */
  readonly bytes: Uint8Array;
}

/** One packet as the ladder remembers it: sent, and what became of it. */
export interface LadderEntry extends SentPacket {
  /** Counts packets from 1, those forgotten included. */
  readonly number: number;
  outcome: LadderOutcome;
  /** Further copies that arrived: duplicates made on the way. */
  duplicates: number;
}

export type LadderOutcome =
  | { readonly type: "inFlight" }
  | {
      readonly type: "delivered";
      readonly at: Millis;
      /** Name of the receiver. */
      readonly to: string;
      /** The source address as the receiver saw it, after NATs. */
      readonly seenFrom: TransportAddress | undefined;
    }
  | {
      readonly type: "dropped";
      readonly at: Millis;
      /** Name of the link, NAT, firewall or host that dropped it. */
      readonly where: string;
      readonly why: string;
    };

/** A line among the packets: an address change, a rebinding, whatever a test wants to see there. */
interface LadderNote {
  readonly at: Millis;
  readonly text: string;
}

/** One line about a payload: the protocol and what it carries. */
export type PayloadDescriber = (bytes: Uint8Array, protocol: TransportProtocol) => string;

const IN_FLIGHT: LadderOutcome = { type: "inFlight" };

/** Enough to see a whole connection setup, small enough to keep a failed run readable. */
export const DEFAULT_LADDER_LIMIT = 1000;

/** What happened on the network, packet by packet: the last {@link limit} packets. Rendering is left to the end. */
export class Ladder {
  /** How many packets (and how many notes) are remembered. */
  readonly limit: number;
  /** Describes payloads when the ladder is rendered. */
  describer: PayloadDescriber = describePayload;
  readonly #entries: LadderEntry[] = [];
  readonly #notes: LadderNote[] = [];
  #count = 0;

  constructor(limit: number = DEFAULT_LADDER_LIMIT) {
    if (!Number.isInteger(limit) || limit < 1) {
      throw new RangeError(`a ladder remembers at least 1 packet, got ${limit}`);
    }
    this.limit = limit;
  }

  /** How many packets were sent since the beginning. */
  get count(): number {
    return this.#count;
  }

  /** Remembers a packet that was just sent. */
  record(packet: SentPacket): LadderEntry {
    const { sentAt, from, to, protocol, source, destination, segment, bytes } = packet;
    const entry: LadderEntry = {
      sentAt,
      from,
      to,
      protocol,
      source,
      destination,
      segment,
      bytes,
      number: ++this.#count,
      outcome: IN_FLIGHT,
      duplicates: 0,
    };
    this.#entries[(this.#count - 1) % this.limit] = entry;
    return entry;
  }

  /** Remembers a remark. */
  note(at: Millis, text: string): void {
    this.#notes.push({ at, text });
    if (this.#notes.length > this.limit) this.#notes.shift();
  }

  /** The packets remembered, oldest first. */
  entries(): readonly LadderEntry[] {
    const oldest = this.#count > this.limit ? this.#count % this.limit : 0;
    return [...this.#entries.slice(oldest), ...this.#entries.slice(0, oldest)];
  }

  /**
   * One line per packet, oldest first: when, from → to, payload size, description, and what became of it.
   *
   * @param last - Only so many of the last packets.
   */
  render(last: number = this.limit): string {
    const entries = this.entries().slice(-last);
    const forgotten = this.#count - entries.length;
    const from = forgotten > 0 ? (entries[0]?.sentAt ?? 0) : 0;
    const lines = entries.map((entry) => ({ at: entry.sentAt, text: this.#renderEntry(entry) }));
    const notes = this.#notes.filter((note) => note.at >= from);
    const all = mergeByTime(
      lines,
      notes.map((note) => ({ at: note.at, text: `${renderTime(note.at)}  -- ${note.text}` })),
    );
    if (forgotten > 0) all.unshift(`(${forgotten} earlier packets not shown)`);
    return all.join("\n");
  }

  /**
   * The packets remembered, as input for Wireshark's converter:
   * `text2pcap -l 101 -t ISO ladder.txt ladder.pcap`. The packets are as their senders wrote them.
   */
  toText2pcap(): string {
    return renderText2pcap(this.entries());
  }

  #renderEntry(entry: LadderEntry): string {
    const to = entry.to ?? `${entry.destination}`;
    const source = entry.source === undefined ? entry.from : `${entry.from} ${entry.source}`;
    const size = `${entry.bytes.length}`.padStart(5);
    const what = describeEntry(entry, this.describer);
    const copies = entry.duplicates === 0 ? "" : ` (and ${entry.duplicates} more)`;
    return `${renderTime(entry.sentAt)}  ${source} → ${to} ${size}  ${what}  ${renderOutcome(entry)}${copies}`;
  }
}

/** Writes down that a copy of the packet arrived. */
export function markDelivered(
  entry: LadderEntry,
  at: Millis,
  to: string,
  seenFrom: TransportAddress | undefined,
): void {
  if (entry.outcome.type === "delivered") {
    entry.duplicates++;
    return;
  }
  entry.outcome = { type: "delivered", at, to, seenFrom };
}

/** Writes down that the packet was dropped, unless a copy of it has arrived. */
export function markDropped(entry: LadderEntry, at: Millis, where: string, why: string): void {
  if (entry.outcome.type !== "delivered") entry.outcome = { type: "dropped", at, where, why };
}

function describeEntry(entry: LadderEntry, describer: PayloadDescriber): string {
  const segment = entry.segment;
  if (segment === undefined) return describer(entry.bytes, entry.protocol);
  const header = `TCP ${segment.flags} seq ${segment.sequence} ack ${segment.ack}`;
  if (entry.bytes.length === 0) return header;
  return segment.isHandshake ? `${header} TLS handshake` : `${header} ${describer(entry.bytes, "tcp")}`;
}

function renderOutcome(entry: LadderEntry): string {
  const outcome = entry.outcome;
  switch (outcome.type) {
    case "inFlight":
      return "… on the way";
    case "delivered": {
      const tripMs = (outcome.at - entry.sentAt).toFixed(3);
      const seen = outcome.seenFrom;
      const isTranslated = seen !== undefined && entry.source !== undefined && !seen.equals(entry.source);
      return `✓ ${outcome.to} +${tripMs}${isTranslated ? ` seen from ${seen}` : ""}`;
    }
    case "dropped":
      return `✗ ${outcome.where}: ${outcome.why}`;
    default:
      return outcome satisfies never;
  }
}

function renderTime(at: Millis): string {
  return at.toFixed(3).padStart(12);
}

interface TimedLine {
  readonly at: Millis;
  readonly text: string;
}

/** Two lists in order of time as one; notes come before packets of the same moment. */
function mergeByTime(packets: readonly TimedLine[], notes: readonly TimedLine[]): string[] {
  const lines: string[] = [];
  let next = 0;
  for (const packet of packets) {
    while (next < notes.length && notes[next]!.at <= packet.at) lines.push(notes[next++]!.text);
    lines.push(packet.text);
  }
  while (next < notes.length) lines.push(notes[next++]!.text);
  return lines;
}
