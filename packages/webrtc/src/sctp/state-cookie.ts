import { readUint16, readUint32, writeUint16, writeUint32 } from "../bytes/index.ts";
import { type CryptoProvider, equalConstantTime, type Hmac } from "../crypto/index.ts";
import { type Millis, type RandomSource, randomBytes } from "../sansio/index.ts";
import type { PeerParameters } from "./peer-parameters.ts";

/** What a cookie carries, so that nothing has to be remembered until it comes back (RFC 9260 §5.1.3). */
export interface StateCookie {
  readonly localTag: number;
  readonly localTsn: number;
  readonly peer: PeerParameters;
  /** RFC 9260 §5.2.2: the tags of the association that there was; 0 for none. */
  readonly localTieTag: number;
  readonly peerTieTag: number;
  readonly createdAt: Millis;
}

/**
 * The cookie's content; a MAC follows it.
 *
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                           Local tag                           |
 * |                       Local initial TSN                       |
 * |                           Peer tag                            |
 * |                       Peer initial TSN                        |
 * |                         Peer a_rwnd                           |
 * |       Outbound streams        |        Inbound streams        |
 * |                         Local tie-tag                         |
 * |                         Peer's tie-tag                        |
 * |                  Created at, in milliseconds                  |
 * |                                                               |
 * |     Flags     |                   Zero                        |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 */
const CONTENT_BYTES = 44;
const SECRET_BYTES = 32;

const Flag = { interleaved: 1, partiallyReliable: 2, reconfigurable: 4, zeroChecksum: 8 } as const;

/** Makes cookies and recognizes its own. */
export class CookieJar {
  readonly #hmac: Hmac;

  constructor(crypto: CryptoProvider, random: RandomSource) {
    this.#hmac = crypto.createHmac("sha-256", randomBytes(random, SECRET_BYTES));
  }

  /** A cookie, authenticated. */
  seal(cookie: StateCookie): Uint8Array {
    const bytes = new Uint8Array(CONTENT_BYTES + this.#hmac.size);
    const { peer } = cookie;
    writeUint32(bytes, 0, cookie.localTag);
    writeUint32(bytes, 4, cookie.localTsn);
    writeUint32(bytes, 8, peer.tag);
    writeUint32(bytes, 12, peer.initialTsn);
    writeUint32(bytes, 16, peer.aRwnd);
    writeUint16(bytes, 20, peer.outboundStreams);
    writeUint16(bytes, 22, peer.inboundStreams);
    writeUint32(bytes, 24, cookie.localTieTag);
    writeUint32(bytes, 28, cookie.peerTieTag);
    const createdAt = Math.floor(cookie.createdAt);
    writeUint32(bytes, 32, Math.floor(createdAt / 0x1_0000_0000));
    writeUint32(bytes, 36, createdAt >>> 0);
    bytes[40] =
      (peer.isInterleaved ? Flag.interleaved : 0) |
      (peer.isPartiallyReliable ? Flag.partiallyReliable : 0) |
      (peer.isReconfigurable ? Flag.reconfigurable : 0) |
      (peer.isZeroChecksumAccepted ? Flag.zeroChecksum : 0);
    this.#hmac.compute(bytes, 0, CONTENT_BYTES, bytes, CONTENT_BYTES);
    return bytes;
  }

  /** The content of a cookie of ours; undefined for any other bytes. */
  open(bytes: Uint8Array): StateCookie | undefined {
    if (bytes.length !== CONTENT_BYTES + this.#hmac.size) return undefined;
    const expected = new Uint8Array(this.#hmac.size);
    this.#hmac.compute(bytes, 0, CONTENT_BYTES, expected, 0);
    if (!equalConstantTime(expected, bytes.subarray(CONTENT_BYTES))) return undefined;
    const flags = bytes[40]!;
    return {
      localTag: readUint32(bytes, 0),
      localTsn: readUint32(bytes, 4),
      peer: {
        tag: readUint32(bytes, 8),
        initialTsn: readUint32(bytes, 12),
        aRwnd: readUint32(bytes, 16),
        outboundStreams: readUint16(bytes, 20),
        inboundStreams: readUint16(bytes, 22),
        isInterleaved: (flags & Flag.interleaved) !== 0,
        isPartiallyReliable: (flags & Flag.partiallyReliable) !== 0,
        isReconfigurable: (flags & Flag.reconfigurable) !== 0,
        isZeroChecksumAccepted: (flags & Flag.zeroChecksum) !== 0,
      },
      localTieTag: readUint32(bytes, 24),
      peerTieTag: readUint32(bytes, 28),
      createdAt: readUint32(bytes, 32) * 0x1_0000_0000 + readUint32(bytes, 36),
    };
  }
}
