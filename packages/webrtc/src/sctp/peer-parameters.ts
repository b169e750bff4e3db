import { ChunkType } from "./chunk/chunk.ts";
import type { InitChunk } from "./chunk/init.ts";
import type { SctpOptions } from "./options.ts";
import { encodeForwardTsnSupported } from "./parameter/forward-tsn-supported.ts";
import { encodeSupportedExtensions } from "./parameter/supported-extensions.ts";
import { DTLS_ERROR_DETECTION, encodeZeroChecksumAcceptable } from "./parameter/zero-checksum-acceptable.ts";

/** What both sides agreed on, as the INIT or INIT ACK of the peer and our options make it. */
export interface PeerParameters {
  readonly tag: number;
  readonly initialTsn: number;
  readonly aRwnd: number;
  /** Streams we may send on. */
  readonly outboundStreams: number;
  /** Streams the peer may send on. */
  readonly inboundStreams: number;
  /** I-DATA is used (RFC 8260). */
  readonly isInterleaved: boolean;
  /** Messages may be given up (RFC 3758, RFC 8260 §2.3.1). */
  readonly isPartiallyReliable: boolean;
  /** Streams may be reset and added (RFC 6525). */
  readonly isReconfigurable: boolean;
  /** The peer takes a checksum of zero (RFC 9653). */
  readonly isZeroChecksumAccepted: boolean;
}

/** Why an INIT or INIT ACK makes no association; undefined when it does (RFC 9260 §3.3.2, §5.1). */
export function initProblem(init: InitChunk): string | undefined {
  if (init.initiateTag === 0) return "the initiate tag is 0";
  if (init.outboundStreams === 0 || init.inboundStreams === 0) return "the number of streams is 0";
  // RFC 9260 §3.3.2 asks for 1500 at least; less is slow, not wrong.
  return undefined;
}

/** What follows from the peer's INIT or INIT ACK. */
export function agreeWith(init: InitChunk, options: SctpOptions): PeerParameters {
  const { supportedExtensions, isForwardTsnSupported, zeroChecksumMethod } = init.parameters;
  const isInterleaved = options.isInterleavingEnabled && supportedExtensions.includes(ChunkType.iData);
  const forwardType = isInterleaved ? ChunkType.iForwardTsn : ChunkType.forwardTsn;
  return {
    tag: init.initiateTag,
    initialTsn: init.initialTsn,
    aRwnd: init.aRwnd,
    outboundStreams: Math.min(options.outboundStreams, init.inboundStreams),
    inboundStreams: Math.min(options.inboundStreams, init.outboundStreams),
    isInterleaved,
    isPartiallyReliable:
      supportedExtensions.includes(forwardType) || (!isInterleaved && isForwardTsnSupported),
    isReconfigurable: supportedExtensions.includes(ChunkType.reConfig),
    isZeroChecksumAccepted: options.isZeroChecksumEnabled && zeroChecksumMethod === DTLS_ERROR_DETECTION,
  };
}

/** The parameters of our INIT and INIT ACK. */
export function encodeOwnParameters(options: SctpOptions): Uint8Array[] {
  const extensions: number[] = [ChunkType.reConfig, ChunkType.forwardTsn];
  if (options.isInterleavingEnabled) extensions.push(ChunkType.iData, ChunkType.iForwardTsn);
  const parameters = [encodeForwardTsnSupported(), encodeSupportedExtensions(extensions)];
  if (options.isZeroChecksumEnabled) parameters.push(encodeZeroChecksumAcceptable(DTLS_ERROR_DETECTION));
  return parameters;
}
