import { DtlsError } from "../errors.ts";
import { WireReader, WireWriter } from "../wire.ts";

/** Extensions by type, as views. */
export type Extensions = ReadonlyMap<number, Uint8Array>;

/** Browsers send about 15; a message of 32 KiB could hold 8,000 empty ones. */
const MAX_EXTENSIONS = 64;

/** Reads the list of extensions that ends a message; a message of 1.2 may end without one. */
export function decodeExtensions(reader: WireReader): Extensions {
  const extensions = new Map<number, Uint8Array>();
  if (reader.remaining === 0) return extensions;
  const list = new WireReader(reader.vector(2), "list of extensions");
  while (list.remaining > 0) {
    const type = list.uint16();
    const data = list.vector(2);
    // RFC 8446 §4.2: not more than one of a type. An unknown one, GREASE (RFC 8701) among them, is kept and ignored.
    if (extensions.has(type) || extensions.size >= MAX_EXTENSIONS) {
      const text = extensions.has(type) ? `has extension ${type} twice` : "has too many extensions";
      throw new DtlsError(
        "ERR_DTLS_MALFORMED",
        "illegal_parameter",
        `handshake message ${text}`,
        "RFC 8446 §4.2",
      );
    }
    extensions.set(type, data);
  }
  reader.end();
  return extensions;
}

export function encodeExtensions(writer: WireWriter, extensions: Extensions): void {
  writer.vector(2, () => {
    for (const [type, data] of extensions) writer.uint16(type).vector(2, data);
  });
}

/** A list of 16-bit numbers in a vector: groups, signature schemes. */
export function encodeUint16List(values: readonly number[]): Uint8Array {
  return new WireWriter().uint16List(2, values).finish();
}

/** A list of 16-bit numbers; empty when the extension is absent. */
export function decodeUint16List(data: Uint8Array | undefined, what: string): readonly number[] {
  if (data === undefined) return [];
  const reader = new WireReader(data, what);
  const values = reader.uint16List(2);
  reader.end();
  return values;
}

/** RFC 8446 §4.2.1, in a ClientHello. */
export function encodeVersions(versions: readonly number[]): Uint8Array {
  return new WireWriter().uint16List(1, versions).finish();
}

/** Undefined when the extension is absent. */
export function decodeVersions(data: Uint8Array | undefined): readonly number[] | undefined {
  if (data === undefined) return undefined;
  const reader = new WireReader(data, "supported_versions");
  const versions = reader.uint16List(1);
  reader.end();
  return versions;
}

/** A 16-bit number alone: the version a server chose, the group it asks for. */
export function encodeUint16(value: number): Uint8Array {
  return Uint8Array.of(value >>> 8, value & 0xff);
}

export function decodeUint16(data: Uint8Array, what: string): number {
  const reader = new WireReader(data, what);
  const value = reader.uint16();
  reader.end();
  return value;
}

/** A key exchange of one group (RFC 8446 §4.2.8). */
export interface KeyShareEntry {
  readonly group: number;
  readonly key: Uint8Array;
}

export function encodeKeyShares(entries: readonly KeyShareEntry[]): Uint8Array {
  return new WireWriter()
    .vector(2, (writer) => {
      for (const { group, key } of entries) writer.uint16(group).vector(2, key);
    })
    .finish();
}

export function decodeKeyShares(data: Uint8Array | undefined): readonly KeyShareEntry[] {
  if (data === undefined) return [];
  const reader = new WireReader(data, "key_share");
  const list = new WireReader(reader.vector(2), "key_share");
  reader.end();
  const entries: KeyShareEntry[] = [];
  while (list.remaining > 0) entries.push({ group: list.uint16(), key: list.vector(2, 1) });
  return entries;
}

/** The share of a ServerHello. */
export function encodeKeyShare({ group, key }: KeyShareEntry): Uint8Array {
  return new WireWriter().uint16(group).vector(2, key).finish();
}

export function decodeKeyShare(data: Uint8Array): KeyShareEntry {
  const reader = new WireReader(data, "key_share");
  const entry = { group: reader.uint16(), key: reader.vector(2, 1) };
  reader.end();
  return entry;
}

/** A vector of bytes alone: a cookie. */
export function encodeVector16(bytes: Uint8Array): Uint8Array {
  return new WireWriter().vector(2, bytes).finish();
}

export function decodeVector16(data: Uint8Array, what: string): Uint8Array {
  const reader = new WireReader(data, what);
  const bytes = reader.vector(2);
  reader.end();
  return bytes;
}

/** RFC 5764 §4.1.1: the profiles, and no MKI. */
export function encodeUseSrtp(profiles: readonly number[]): Uint8Array {
  return new WireWriter().uint16List(2, profiles).uint8(0).finish();
}

/** The profiles, whatever the MKI: we answer without one, and then none is used (RFC 5764 §4.1.3). */
export function decodeUseSrtp(data: Uint8Array): readonly number[] {
  const reader = new WireReader(data, "use_srtp");
  const profiles = reader.uint16List(2);
  reader.vector(1);
  reader.end();
  return profiles;
}

/** RFC 8422 §5.1.2: uncompressed points. */
export const EC_POINT_FORMATS: Uint8Array = Uint8Array.of(1, 0);
/** RFC 5746 §3.2: no renegotiation has been. */
export const NO_RENEGOTIATION: Uint8Array = Uint8Array.of(0);
/** An extension that says all by being there. */
export const PRESENT: Uint8Array = new Uint8Array(0);
