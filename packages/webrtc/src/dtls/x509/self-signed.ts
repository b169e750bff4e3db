import type { SignatureScheme, SigningKey } from "../../crypto/index.ts";
import type { WallClockMillis } from "../../sansio/index.ts";

/** What goes into the one certificate that is made here. */
export interface SelfSignedOptions {
  /** Issuer and subject; says nothing about who holds it (RFC 8827 §6.5). */
  readonly commonName: string;
  /** Positive; the first byte below 0x80 and not 0. */
  readonly serialNumber: Uint8Array;
  readonly notBefore: WallClockMillis;
  readonly notAfter: WallClockMillis;
}

const Tag = {
  integer: 0x02,
  bitString: 0x03,
  oid: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
  version: 0xa0,
} as const;

/** 2.5.4.3 */
const COMMON_NAME = Uint8Array.of(0x55, 0x04, 0x03);
/** ecdsa-with-SHA256, 1.2.840.10045.4.3.2, without parameters (RFC 5758 §3.2). */
const ECDSA_WITH_SHA256 = Uint8Array.of(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02);
/** sha256WithRSAEncryption, 1.2.840.113549.1.1.11, with NULL as parameters (RFC 4055 §5). */
const RSA_WITH_SHA256 = Uint8Array.of(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b);
const NULL = Uint8Array.of(0x05, 0x00);

const encoder = new TextEncoder();

/**
 * A self-signed certificate in DER (RFC 5280 §4.1): version 3, no extensions, signed with SHA-256. Reading
 * certificates is the platform's.
 *
 * @throws {TypeError} when the key is neither ECDSA on P-256 nor RSA.
 */
export function encodeSelfSigned(key: SigningKey, options: SelfSignedOptions): Uint8Array {
  const { scheme, algorithm } = signatureOf(key);
  const name = der(
    Tag.sequence,
    der(
      Tag.set,
      der(Tag.sequence, der(Tag.oid, COMMON_NAME), der(Tag.utf8String, encoder.encode(options.commonName))),
    ),
  );
  const toBeSigned = der(
    Tag.sequence,
    der(Tag.version, der(Tag.integer, Uint8Array.of(2))),
    der(Tag.integer, options.serialNumber),
    algorithm,
    name,
    der(Tag.sequence, encodeTime(options.notBefore), encodeTime(options.notAfter)),
    name,
    key.publicKeyInfo,
  );
  const signature = key.sign(scheme, toBeSigned);
  return der(Tag.sequence, toBeSigned, algorithm, der(Tag.bitString, Uint8Array.of(0), signature));
}

function signatureOf(key: SigningKey): { scheme: SignatureScheme; algorithm: Uint8Array } {
  switch (key.keyType) {
    case "ecdsa-p256":
      return { scheme: "ecdsa-sha256", algorithm: der(Tag.sequence, der(Tag.oid, ECDSA_WITH_SHA256)) };
    case "rsa":
      return {
        scheme: "rsa-pkcs1-sha256",
        algorithm: der(Tag.sequence, der(Tag.oid, RSA_WITH_SHA256), NULL),
      };
    default:
      throw new TypeError(`a certificate is made for a key of ECDSA P-256 or RSA, got ${key.keyType}`);
  }
}

/** RFC 5280 §4.1.2.5: two digits of the year until 2049, four from 2050 on. Whole seconds. */
function encodeTime(at: WallClockMillis): Uint8Array {
  const digits = new Date(at).toISOString().replaceAll(/[-:T]|\..*/g, "");
  return digits < "2050"
    ? der(Tag.utcTime, encoder.encode(`${digits.slice(2)}Z`))
    : der(Tag.generalizedTime, encoder.encode(`${digits}Z`));
}

function der(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const header = [tag, ...encodeLength(length)];
  const bytes = new Uint8Array(header.length + length);
  bytes.set(header);
  let offset = header.length;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

function encodeLength(length: number): number[] {
  if (length < 0x80) return [length];
  return length < 0x100 ? [0x81, length] : [0x82, length >>> 8, length & 0xff];
}
