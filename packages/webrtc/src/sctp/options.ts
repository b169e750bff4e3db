import type { Millis } from "../sansio/index.ts";

/** What an association is made with. Times in milliseconds, sizes in bytes. */
export interface SctpOptions {
  /** RFC 8841 §5.1: `a=sctp-port` of our description. */
  readonly localPort: number;
  /** `a=sctp-port` of the peer's description. */
  readonly remotePort: number;
  /** Bytes kept before each packet in its slot, for what outer layers prepend. */
  readonly headroomBytes: number;
  /** Size of packets until a larger one is known to pass. */
  readonly basePacketBytes: number;
  /** The largest packet that is tried (RFC 8899); the base size to try none. */
  readonly maxPacketBytes: number;
  /** Streams asked for. */
  readonly outboundStreams: number;
  /** Streams granted to the peer. */
  readonly inboundStreams: number;
  /** Memory for what comes out of order; the throughput is at most this over the round-trip time. */
  readonly receiveWindowBytes: number;
  /** The largest message accepted; what `a=max-message-size` announces. */
  readonly maxMessageBytes: number;
  /** Memory for all messages that are coming in fragments. */
  readonly maxReassemblyBytes: number;
  /** A message is refused while so many bytes wait to be sent. One message may exceed it. */
  readonly maxBufferedBytes: number;
  readonly sackDelayMs: number;
  readonly initialRtoMs: number;
  readonly minRtoMs: number;
  readonly maxRtoMs: number;
  readonly heartbeatIntervalMs: number;
  /** Retransmission timeouts in a row after which the peer is gone. */
  readonly maxRetransmissions: number;
  /** The same while connecting. */
  readonly maxInitRetransmissions: number;
  readonly cookieLifetimeMs: number;
  /** The first congestion window, in packets. */
  readonly initialWindowPackets: number;
  /** Whether I-DATA is offered (RFC 8260). */
  readonly isInterleavingEnabled: boolean;
  /** Whether DTLS protects the packets, so that their checksum may be zero (RFC 9653). */
  readonly isZeroChecksumEnabled: boolean;
}

export const DEFAULT_SCTP_OPTIONS: SctpOptions = {
  localPort: 5000,
  remotePort: 5000,
  // The header of a DTLS record with an explicit nonce (21), of a TURN Send indication over IPv6 (48).
  headroomBytes: 80,
  // With DTLS, UDP and IPv6 headers below the 1280 bytes that every IPv6 path carries (RFC 8831 §5).
  basePacketBytes: 1180,
  // With DTLS (37), TURN channel (4), UDP and IPv6 headers (48) within Ethernet's 1500.
  maxPacketBytes: 1404,
  // RFC 8831 §6.2: as many as there are.
  outboundStreams: 65_535,
  inboundStreams: 65_535,
  // 400 Mbit/s at 100 ms.
  receiveWindowBytes: 5_242_880,
  maxMessageBytes: 268_435_456,
  maxReassemblyBytes: 805_306_368,
  // As browsers have it.
  maxBufferedBytes: 16_777_216,
  // A tenth of what RFC 9260 §6.2 allows: a sender that waits for it waits less, and in a stream of packets it never runs.
  sackDelayMs: 20,
  // Losses in the handshake cost this; a round trip longer than that costs a repetition.
  initialRtoMs: 500,
  // RFC 9260 §16 has a second, for paths of 2000. A peer may delay its SACK by 200 ms; twice that is never premature.
  minRtoMs: 400,
  // After an outage nobody announces, the next attempt comes within so long.
  maxRtoMs: 6_000,
  heartbeatIntervalMs: 30_000,
  // About two minutes. ICE gives a path up after 30 s, and may find another.
  maxRetransmissions: 20,
  maxInitRetransmissions: 20,
  cookieLifetimeMs: 60_000,
  // RFC 6928.
  initialWindowPackets: 10,
  isInterleavingEnabled: true,
  isZeroChecksumEnabled: true,
};

/** How a message is sent. */
export interface SctpSendOptions {
  /** False for delivery as soon as it has come, whatever was sent before. Default true. */
  readonly isOrdered?: boolean;
  /** How often a part of it is sent again before it is given up. Default: until it arrives. */
  readonly maxRetransmits?: number;
  /** For how long it is worth sending. Default: for ever. */
  readonly lifetimeMs?: Millis;
  /** Whether its bytes count into the buffered amount of its stream. Default true. */
  readonly isCounted?: boolean;
}

/** The smallest packet size that makes sense: every path carries it (RFC 9260 §6.9). */
const MIN_PACKET_BYTES = 512;

/**
 * Options with their defaults.
 *
 * @throws {RangeError} when sizes contradict each other.
 */
export function completeOptions(options: Partial<SctpOptions>): SctpOptions {
  const complete = { ...DEFAULT_SCTP_OPTIONS, ...options };
  const { basePacketBytes, maxPacketBytes, outboundStreams, inboundStreams, receiveWindowBytes } = complete;
  if (basePacketBytes < MIN_PACKET_BYTES || maxPacketBytes < basePacketBytes || maxPacketBytes > 0xffff) {
    throw new RangeError(
      `packets are from ${MIN_PACKET_BYTES} to 65535 bytes and the largest is not less than the base, got ${basePacketBytes} and ${maxPacketBytes}`,
    );
  }
  for (const count of [outboundStreams, inboundStreams]) {
    if (!Number.isInteger(count) || count < 1 || count > 0xffff) {
      throw new RangeError(`an association has 1 to 65535 streams each way, got ${count}`);
    }
  }
  // RFC 9260 §3.3.2: a_rwnd is at least 1500.
  if (receiveWindowBytes < 1500) {
    throw new RangeError(`a receive window has at least 1500 bytes, got ${receiveWindowBytes}`);
  }
  return complete;
}
