/** A whole handshake message that came in. */
export interface HandshakeMessage {
  readonly type: number;
  /** message_seq. */
  readonly sequence: number;
  /** Of the records it came in. */
  readonly epoch: number;
  /** Its own memory, never changed. */
  readonly body: Uint8Array;
}

/** Header of a handshake message in a record. */
export const HANDSHAKE_HEADER_BYTES = 12;

/**
 * A fragment of a handshake message (RFC 9147 §5.2, RFC 6347 §4.2.2):
 *
 * ```
 *  0       1               4             6                9                12
 *  +-------+---------------+-------------+----------------+-----------------+
 *  | type  |    length     | message_seq | fragment_offset| fragment_length |
 *  +-------+---------------+-------------+----------------+-----------------+
 * ```
 */
export interface HandshakeFragment {
  readonly type: number;
  /** Of the whole message. */
  readonly length: number;
  readonly sequence: number;
  readonly offset: number;
  /** Lent. */
  readonly data: Uint8Array;
}

/**
 * The fragment at `offset` of a record's content, or undefined when there is none in form. A record may hold several.
 *
 * @param end - Where the content ends.
 */
export function decodeFragment(
  bytes: Uint8Array,
  offset: number,
  end: number,
): HandshakeFragment | undefined {
  const start = offset + HANDSHAKE_HEADER_BYTES;
  if (start > end) return undefined;
  const length = readUint24(bytes, offset + 1);
  const fragmentOffset = readUint24(bytes, offset + 6);
  const fragmentLength = readUint24(bytes, offset + 9);
  if (start + fragmentLength > end || fragmentOffset + fragmentLength > length) return undefined;
  return {
    type: bytes[offset]!,
    length,
    sequence: (bytes[offset + 4]! << 8) | bytes[offset + 5]!,
    offset: fragmentOffset,
    data: bytes.subarray(start, start + fragmentLength),
  };
}

/** Writes the header of the fragment `[offset, offset + fragmentLength)` of a message. */
export function writeFragmentHeader(
  target: Uint8Array,
  at: number,
  type: number,
  length: number,
  sequence: number,
  offset: number,
  fragmentLength: number,
): void {
  target[at] = type;
  writeUint24(target, at + 1, length);
  target[at + 4] = sequence >>> 8;
  target[at + 5] = sequence;
  writeUint24(target, at + 6, offset);
  writeUint24(target, at + 9, fragmentLength);
}

function readUint24(bytes: Uint8Array, offset: number): number {
  return (bytes[offset]! << 16) | (bytes[offset + 1]! << 8) | bytes[offset + 2]!;
}

function writeUint24(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> 16;
  bytes[offset + 1] = value >>> 8;
  bytes[offset + 2] = value;
}
