import type { Millis, RandomSource } from "../sansio/index.ts";
import { decodeHeartbeat, encodeHeartbeat } from "./chunk/heartbeat.ts";
import { encodePad } from "./chunk/pad.ts";
import { Heartbeat, type HeartbeatResult } from "./heartbeat.ts";
import type { SctpOptions } from "./options.ts";
import { COMMON_HEADER_BYTES } from "./packet.ts";
import { PathMtu } from "./path-mtu.ts";
import { RoundTrip } from "./tx/rto.ts";

/** What became of a heartbeat, for the association. */
export type PathResult =
  /** It came back. */
  | "alive"
  /** A larger packet came back: packets may be larger. */
  | "larger"
  /** It did not come back. */
  | "silent"
  /** A larger packet did not come back, which says nothing about the peer. */
  | "nothing";

/** The one path of an association: round-trip times, heartbeats and the size of packets. */
export class Path {
  readonly roundTrip: RoundTrip;
  readonly #options: SctpOptions;
  readonly #heartbeat: Heartbeat;
  #mtu: PathMtu;

  constructor(options: SctpOptions, random: RandomSource) {
    this.#options = options;
    this.roundTrip = new RoundTrip(options);
    this.#heartbeat = new Heartbeat(random, options.heartbeatIntervalMs);
    this.#mtu = new PathMtu(options.basePacketBytes, options.maxPacketBytes);
  }

  get packetBytes(): number {
    return this.#mtu.packetBytes;
  }

  /** Something was heard of the peer. */
  noteLife(now: Millis): void {
    this.#heartbeat.restart(now);
  }

  /** A packet of the full size was sent. */
  noteFullPacket(): void {
    this.#mtu.noteFullPacket();
  }

  /** The peer is another, or starts again. */
  restart(): void {
    this.#heartbeat.stop();
    this.roundTrip.reset();
    this.#mtu = new PathMtu(this.#options.basePacketBytes, this.#options.maxPacketBytes);
  }

  /** The datagrams take another way. True when packets have to be smaller. */
  change(now: Millis): boolean {
    this.roundTrip.reset();
    return this.#mtu.fallBack(now, 0);
  }

  /** Large packets vanish (RFC 8899 §4.3). True when packets have to be smaller. */
  fallBack(now: Millis): boolean {
    return this.#mtu.fallBack(now);
  }

  stop(): void {
    this.#heartbeat.stop();
  }

  /** A HEARTBEAT that is due, for any packet; undefined for none. */
  takeHeartbeat(now: Millis): Uint8Array | undefined {
    if (!this.#heartbeat.isDue(now)) return undefined;
    return encodeHeartbeat(this.#heartbeat.send(now, this.roundTrip.rtoMs, 0));
  }

  /** The chunks of a packet that finds out whether a larger one passes (RFC 8899 §6.2); undefined for none. */
  takeProbe(now: Millis): Uint8Array | undefined {
    if (this.#heartbeat.isOutstanding) return undefined;
    const probeBytes = this.#mtu.takeProbe(now);
    if (probeBytes === undefined) return undefined;
    const heartbeat = encodeHeartbeat(this.#heartbeat.send(now, this.roundTrip.rtoMs, probeBytes));
    const pad = encodePad(probeBytes - COMMON_HEADER_BYTES - heartbeat.length);
    const chunks = new Uint8Array(heartbeat.length + pad.length);
    chunks.set(heartbeat);
    chunks.set(pad, heartbeat.length);
    return chunks;
  }

  /** Takes the value of a HEARTBEAT ACK; undefined when it answers nothing. */
  handleHeartbeatAck(value: Uint8Array, now: Millis): PathResult | undefined {
    const info = decodeHeartbeat(value);
    const result = info === undefined ? undefined : this.#heartbeat.handleAck(info, now);
    return result === undefined ? undefined : this.#judge(result, now);
  }

  /** The heartbeat whose time is up; undefined for none. */
  handleTimeout(now: Millis): PathResult | undefined {
    const result = this.#heartbeat.handleTimeout(now);
    return result === undefined ? undefined : this.#judge(result, now);
  }

  pollTimeout(): Millis {
    return this.#heartbeat.pollTimeout();
  }

  #judge({ hasPassed, rttMs, probeBytes }: HeartbeatResult, now: Millis): PathResult {
    if (hasPassed) this.roundTrip.sample(rttMs, now);
    if (probeBytes > 0) {
      const isLarger = this.#mtu.handleResult(hasPassed, now);
      if (isLarger) return "larger";
      return hasPassed ? "alive" : "nothing";
    }
    if (hasPassed) return "alive";
    this.roundTrip.backOff();
    return "silent";
  }
}
