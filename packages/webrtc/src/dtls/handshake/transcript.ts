import { writeUint16 } from "../../bytes/index.ts";
import type { CryptoProvider, Hash } from "../../crypto/index.ts";
import type { SuiteHash } from "../cipher/suite.ts";
import { type DtlsVersion, HandshakeType } from "../constants.ts";
import { HANDSHAKE_HEADER_BYTES, writeFragmentHeader } from "./fragment.ts";

const TLS_HEADER_BYTES = 4;

/**
 * The handshake messages so far, as they are hashed and signed. Which hash, and in which form, is known with the
 * ServerHello; until then the messages themselves are kept, and in 1.2 beyond, for there they are what is signed.
 */
export class Transcript {
  readonly #version: DtlsVersion;
  readonly #hash: Hash;
  /** Of 1.2, for CertificateVerify. */
  #messages: Uint8Array[] = [];

  constructor(crypto: CryptoProvider, version: DtlsVersion, hash: SuiteHash) {
    this.#version = version;
    this.#hash = crypto.createHash(hash);
  }

  add(type: number, sequence: number, body: Uint8Array): void {
    const header = new Uint8Array(this.#version === "1.3" ? TLS_HEADER_BYTES : HANDSHAKE_HEADER_BYTES);
    // RFC 9147 §5.2: what DTLS adds to the header is not part of the transcript. RFC 6347 §4.2.6: it is, as if the
    // message had been sent in one piece.
    if (this.#version === "1.3") {
      header[0] = type;
      header[1] = body.length >>> 16;
      writeUint16(header, 2, body.length);
    } else {
      writeFragmentHeader(header, 0, type, body.length, sequence, 0, body.length);
      this.#messages.push(header, body);
    }
    this.#hash.update(header);
    this.#hash.update(body);
  }

  /** RFC 8446 §4.4.1: with a HelloRetryRequest, a message made of its hash stands for the first ClientHello. */
  addClientHelloHash(hash: Uint8Array): void {
    this.add(HandshakeType.messageHash, 0, hash);
  }

  /** The hash of the messages so far. */
  digest(): Uint8Array {
    return this.#hash.digest();
  }

  /** 1.2: the messages so far, for a signature over them. */
  messages(): Uint8Array {
    const length = this.#messages.reduce((sum, part) => sum + part.length, 0);
    const all = new Uint8Array(length);
    let offset = 0;
    for (const part of this.#messages) {
      all.set(part, offset);
      offset += part.length;
    }
    return all;
  }

  /** The hash alone goes on: nothing more will be signed. */
  dropMessages(): void {
    this.#messages = [];
  }

  /** The hash of a ClientHello alone, for {@link addClientHelloHash}. */
  static hashClientHello(crypto: CryptoProvider, hash: SuiteHash, body: Uint8Array): Uint8Array {
    const alone = new Transcript(crypto, "1.3", hash);
    alone.add(HandshakeType.clientHello, 0, body);
    return alone.digest();
  }
}
