import type { DtlsVersion } from "../constants.ts";
import { DtlsError } from "../errors.ts";
import { WireReader, WireWriter } from "../wire.ts";
import { decodeExtensions, decodeUint16List } from "./extensions.ts";

/** A leaf and a few above it; more is no chain anybody has. */
const MAX_CERTIFICATES = 8;

/** Certificate (RFC 8446 §4.4.2; in 1.2, RFC 5246 §7.4.2, without context and extensions): DER, the leaf first. */
export function encodeCertificates(version: DtlsVersion, chain: readonly Uint8Array[]): Uint8Array {
  const writer = new WireWriter();
  // Empty but for authentication after the handshake, which is not offered.
  if (version === "1.3") writer.vector(1, new Uint8Array(0));
  return writer
    .vector(3, () => {
      for (const der of chain) {
        writer.vector(3, der);
        if (version === "1.3") writer.uint16(0);
      }
    })
    .finish();
}

/** @throws {DtlsError} `ERR_DTLS_MALFORMED`, also for more than 8 certificates. */
export function decodeCertificates(version: DtlsVersion, body: Uint8Array): Uint8Array[] {
  const reader = new WireReader(body, "Certificate");
  if (version === "1.3" && reader.vector(1).length > 0) {
    throw new DtlsError(
      "ERR_DTLS_ILLEGAL_PARAMETER",
      "illegal_parameter",
      "Certificate has a context, and none was asked for",
      "RFC 8446 §4.4.2",
    );
  }
  const list = new WireReader(reader.vector(3), "Certificate");
  reader.end();
  const chain: Uint8Array[] = [];
  while (list.remaining > 0) {
    chain.push(list.vector(3, 1));
    if (version === "1.3") list.vector(2);
    if (chain.length > MAX_CERTIFICATES) {
      throw new DtlsError(
        "ERR_DTLS_MALFORMED",
        "bad_certificate",
        `Certificate holds more than ${MAX_CERTIFICATES}`,
      );
    }
  }
  return chain;
}

/** CertificateVerify, and what ends a ServerKeyExchange: scheme and signature. */
export interface Signed {
  readonly scheme: number;
  readonly signature: Uint8Array;
}

export function encodeSigned({ scheme, signature }: Signed): Uint8Array {
  return new WireWriter().uint16(scheme).vector(2, signature).finish();
}

export function decodeSigned(body: Uint8Array): Signed {
  const reader = new WireReader(body, "CertificateVerify");
  const signed = { scheme: reader.uint16(), signature: reader.vector(2) };
  reader.end();
  return signed;
}

const encoder = new TextEncoder();
const PADDING = new Uint8Array(64).fill(0x20);

/** RFC 8446 §4.4.3: what CertificateVerify signs. */
export function signedContent13(side: "client" | "server", transcriptHash: Uint8Array): Uint8Array {
  return new WireWriter()
    .bytes(PADDING)
    .bytes(encoder.encode(`TLS 1.3, ${side} CertificateVerify`))
    .uint8(0)
    .bytes(transcriptHash)
    .finish();
}

/** RFC 5246 §7.4.4: an ECDSA and an RSA key are welcome; what for is said by the schemes. */
const CERTIFICATE_TYPES = Uint8Array.of(64, 1);

/** CertificateRequest of 1.2. An empty list of authorities means any. */
export function encodeCertificateRequest12(schemes: readonly number[]): Uint8Array {
  return new WireWriter()
    .vector(1, CERTIFICATE_TYPES)
    .uint16List(2, schemes)
    .vector(2, new Uint8Array(0))
    .finish();
}

/** The signature schemes a server of 1.2 understands. */
export function decodeCertificateRequest12(body: Uint8Array): readonly number[] {
  const reader = new WireReader(body, "CertificateRequest");
  reader.vector(1);
  const schemes = reader.uint16List(2);
  reader.vector(2);
  reader.end();
  return schemes;
}

const SIGNATURE_ALGORITHMS = 13;

/**
 * CertificateRequest of 1.3 (RFC 8446 §4.3.2): the schemes and nothing else. An empty certificate_authorities, which
 * would say the same, ends the handshake with Chromium.
 */
export function encodeCertificateRequest13(schemes: readonly number[]): Uint8Array {
  return new WireWriter()
    .vector(1, new Uint8Array(0))
    .vector(2, (writer) => {
      writer.uint16(SIGNATURE_ALGORITHMS).vector(2, () => writer.uint16List(2, schemes));
    })
    .finish();
}

/** The signature schemes a server of 1.3 understands. */
export function decodeCertificateRequest13(body: Uint8Array): readonly number[] {
  const reader = new WireReader(body, "CertificateRequest");
  const context = reader.vector(1);
  const schemes = decodeExtensions(reader).get(SIGNATURE_ALGORITHMS);
  if (context.length > 0 || schemes === undefined) {
    throw new DtlsError(
      "ERR_DTLS_ILLEGAL_PARAMETER",
      schemes === undefined ? "missing_extension" : "illegal_parameter",
      "CertificateRequest of a handshake needs signature_algorithms and no context",
      "RFC 8446 §4.3.2",
    );
  }
  return decodeUint16List(schemes, "signature_algorithms");
}

/** RFC 8422 §5.4: the curve by name. */
const NAMED_CURVE = 3;

/** ServerKeyExchange of ECDHE (RFC 8422 §5.4). */
export interface ServerKeyExchange {
  readonly group: number;
  readonly publicKey: Uint8Array;
  /** What of the message is signed, after the randoms. */
  readonly parameters: Uint8Array;
  readonly signed: Signed;
}

/** The part that is signed. */
export function encodeKeyExchangeParameters(group: number, publicKey: Uint8Array): Uint8Array {
  return new WireWriter().uint8(NAMED_CURVE).uint16(group).vector(1, publicKey).finish();
}

export function decodeServerKeyExchange(body: Uint8Array): ServerKeyExchange {
  const reader = new WireReader(body, "ServerKeyExchange");
  if (reader.uint8() !== NAMED_CURVE) {
    throw new DtlsError(
      "ERR_DTLS_ILLEGAL_PARAMETER",
      "illegal_parameter",
      "ServerKeyExchange does not name its curve",
      "RFC 8422 §5.4",
    );
  }
  const group = reader.uint16();
  const publicKey = reader.vector(1, 1);
  const parameters = body.subarray(0, body.length - reader.remaining);
  return { group, publicKey, parameters, signed: decodeSigned(reader.rest()) };
}

/** ClientKeyExchange of ECDHE (RFC 8422 §5.7). */
export function encodeClientKeyExchange(publicKey: Uint8Array): Uint8Array {
  return new WireWriter().vector(1, publicKey).finish();
}

export function decodeClientKeyExchange(body: Uint8Array): Uint8Array {
  const reader = new WireReader(body, "ClientKeyExchange");
  const publicKey = reader.vector(1, 1);
  reader.end();
  return publicKey;
}
