import { copyBytes } from "../../bytes/index.ts";
import {
  encodeParameter,
  ParameterCursor,
  ParameterType,
  shouldReportUnknownParameter,
  shouldSkipUnknownParameter,
} from "./parameter.ts";
import { decodeSupportedExtensions } from "./supported-extensions.ts";
import { decodeZeroChecksumAcceptable } from "./zero-checksum-acceptable.ts";

/** What the parameters of INIT and INIT ACK say, as far as it concerns an association inside DTLS. */
export interface InitParameters {
  /** RFC 9260 §3.3.3.1: in INIT ACK, to be echoed. */
  readonly stateCookie: Uint8Array | undefined;
  /** RFC 5061 §4.2.7: chunk types beyond RFC 9260. */
  readonly supportedExtensions: readonly number[];
  /** RFC 3758 §3.1. */
  readonly isForwardTsnSupported: boolean;
  /** RFC 9653 §4: the error detection method that makes a zero checksum acceptable. */
  readonly zeroChecksumMethod: number | undefined;
  /** Whole parameters that are unknown and to be reported, without padding. */
  readonly unrecognized: readonly Uint8Array[];
}

/** Parameters looked at: no INIT has so many, and a packet of empty ones should not buy more work than that. */
const MAX_PARAMETERS = 64;
/** Unrecognized parameters reported: enough to see what is wrong, few enough that the answer fits a packet. */
const MAX_REPORTED = 8;
const MAX_REPORTED_BYTES = 256;

/** RFC 8261 §6: over DTLS there are no addresses to exchange, so these are known and mean nothing. */
const IGNORED: ReadonlySet<number> = new Set<number>([
  ParameterType.ipv4Address,
  ParameterType.ipv6Address,
  ParameterType.supportedAddressTypes,
  ParameterType.cookiePreservative,
  ParameterType.hostNameAddress,
  ParameterType.unrecognizedParameter,
]);

/** Reads parameters; undefined when one reaches beyond the end or is not what its type says. */
export function decodeInitParameters(bytes: Uint8Array): InitParameters | undefined {
  const cursor = new ParameterCursor(bytes);
  const unrecognized: Uint8Array[] = [];
  let stateCookie: Uint8Array | undefined;
  let supportedExtensions: readonly number[] = [];
  let isForwardTsnSupported = false;
  let zeroChecksumMethod: number | undefined;
  for (let count = 0; ; count++) {
    const step = cursor.next();
    if (step === "end") break;
    if (step === "bad-length" || count === MAX_PARAMETERS) return undefined;
    const { type, value } = cursor;
    if (type === ParameterType.stateCookie) stateCookie = copyBytes(value);
    else if (type === ParameterType.supportedExtensions)
      supportedExtensions = decodeSupportedExtensions(value);
    else if (type === ParameterType.forwardTsnSupported) isForwardTsnSupported = true;
    else if (type === ParameterType.zeroChecksumAcceptable) {
      zeroChecksumMethod = decodeZeroChecksumAcceptable(value);
      if (zeroChecksumMethod === undefined) return undefined;
    } else if (!IGNORED.has(type)) {
      const isSmall = cursor.whole.length <= MAX_REPORTED_BYTES && unrecognized.length < MAX_REPORTED;
      if (shouldReportUnknownParameter(type) && isSmall) unrecognized.push(copyBytes(cursor.whole));
      // RFC 9260 §3.2.1: what follows a parameter of this kind is not looked at.
      if (!shouldSkipUnknownParameter(type)) break;
    }
  }
  return { stateCookie, supportedExtensions, isForwardTsnSupported, zeroChecksumMethod, unrecognized };
}

/** Unrecognized Parameter (RFC 9260 §3.3.3.1) around a whole parameter. */
export function encodeUnrecognizedParameter(whole: Uint8Array): Uint8Array {
  return encodeParameter(ParameterType.unrecognizedParameter, whole);
}

/** State Cookie (RFC 9260 §3.3.3.1). */
export function encodeStateCookie(cookie: Uint8Array): Uint8Array {
  return encodeParameter(ParameterType.stateCookie, cookie);
}
