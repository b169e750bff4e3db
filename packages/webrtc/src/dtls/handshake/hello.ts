import { equalBytes } from "../../bytes/index.ts";
import { RANDOM_BYTES, RETRY_RANDOM, WireVersion } from "../constants.ts";
import { WireReader, WireWriter } from "../wire.ts";
import { decodeExtensions, type Extensions, encodeExtensions } from "./extensions.ts";

/**
 * ClientHello of 1.3 (RFC 9147 §5.3) and 1.2 (RFC 6347 §4.2.1):
 *
 * ```
 *  version(2) random(32) session_id<0..32> cookie<0..255> cipher_suites<2..> compression_methods<1..> extensions<0..>
 * ```
 */
export interface ClientHello {
  readonly version: number;
  readonly random: Uint8Array;
  readonly sessionId: Uint8Array;
  /** Of 1.2; in 1.3 it is an extension. */
  readonly cookie: Uint8Array;
  readonly cipherSuites: readonly number[];
  readonly compressionMethods: Uint8Array;
  readonly extensions: Extensions;
}

const MAX_SESSION_ID_BYTES = 32;

/** @throws {DtlsError} `ERR_DTLS_MALFORMED`. */
export function decodeClientHello(body: Uint8Array): ClientHello {
  const reader = new WireReader(body, "ClientHello");
  return {
    version: reader.uint16(),
    random: reader.bytes(RANDOM_BYTES),
    sessionId: reader.vector(1),
    cookie: reader.vector(1),
    cipherSuites: reader.uint16List(2),
    compressionMethods: reader.vector(1, 1),
    extensions: decodeExtensions(reader),
  };
}

export function encodeClientHello(hello: ClientHello): Uint8Array {
  const writer = new WireWriter()
    .uint16(hello.version)
    .bytes(hello.random)
    .vector(1, hello.sessionId)
    .vector(1, hello.cookie)
    .uint16List(2, hello.cipherSuites)
    .vector(1, hello.compressionMethods);
  encodeExtensions(writer, hello.extensions);
  return writer.finish();
}

/**
 * ServerHello (RFC 8446 §4.1.3, RFC 5246 §7.4.1.3), HelloRetryRequest among them:
 *
 * ```
 *  version(2) random(32) session_id<0..32> cipher_suite(2) compression_method(1) extensions<0..>
 * ```
 */
export interface ServerHello {
  readonly version: number;
  readonly random: Uint8Array;
  readonly sessionId: Uint8Array;
  readonly cipherSuite: number;
  readonly compressionMethod: number;
  readonly extensions: Extensions;
}

/** @throws {DtlsError} `ERR_DTLS_MALFORMED`. */
export function decodeServerHello(body: Uint8Array): ServerHello {
  const reader = new WireReader(body, "ServerHello");
  return {
    version: reader.uint16(),
    random: reader.bytes(RANDOM_BYTES),
    sessionId: reader.vector(1),
    cipherSuite: reader.uint16(),
    compressionMethod: reader.uint8(),
    extensions: decodeExtensions(reader),
  };
}

export function encodeServerHello(hello: ServerHello): Uint8Array {
  const writer = new WireWriter()
    .uint16(hello.version)
    .bytes(hello.random)
    .vector(1, hello.sessionId.subarray(0, MAX_SESSION_ID_BYTES))
    .uint16(hello.cipherSuite)
    .uint8(hello.compressionMethod);
  // RFC 5246 §7.4.1.4: a server that is asked without extensions answers without.
  if (hello.extensions.size > 0) encodeExtensions(writer, hello.extensions);
  return writer.finish();
}

/** RFC 8446 §4.1.3: whether a ServerHello asks for another ClientHello. */
export function isRetryRequest(hello: ServerHello): boolean {
  return equalBytes(hello.random, RETRY_RANDOM);
}

/** HelloVerifyRequest of 1.2 (RFC 6347 §4.2.1): the cookie. */
export function decodeHelloVerifyRequest(body: Uint8Array): Uint8Array {
  const reader = new WireReader(body, "HelloVerifyRequest");
  reader.uint16();
  const cookie = reader.vector(1);
  reader.end();
  return cookie;
}

export function encodeHelloVerifyRequest(cookie: Uint8Array): Uint8Array {
  // RFC 6347 §4.2.1: 1.0, for the version is not negotiated yet.
  return new WireWriter().uint16(WireVersion.dtls10).vector(1, cookie).finish();
}
