import type { DtlsGroup } from "../cipher/group.ts";
import { chooseSignatureScheme } from "../cipher/signature.ts";
import type { CipherSuite } from "../cipher/suite.ts";
import { HandshakeType } from "../constants.ts";
import { encodeCertificates, encodeSigned, signedContent13 } from "../handshake/authentication.ts";
import { noCommonScheme } from "../handshake/checks.ts";
import type { HandshakeContext } from "../handshake/context.ts";
import type { Transcript } from "../handshake/transcript.ts";

/** Epoch of the handshake's keys (RFC 9147 §6.1). */
export const HANDSHAKE_EPOCH = 2;

/** What the hellos settled. */
export interface Agreement13 {
  readonly suite: CipherSuite;
  readonly group: DtlsGroup;
  readonly sharedSecret: Uint8Array;
  /** Up to and with the ServerHello. */
  readonly transcript: Transcript;
}

/**
 * Sends Certificate and CertificateVerify (RFC 8446 §4.4.2, §4.4.3).
 *
 * @param understood - Signature schemes of the peer.
 * @throws {DtlsError} `ERR_DTLS_NO_COMMON_PARAMETERS` when it understands none that we can make.
 */
export function sendAuthentication(
  { channel, certificate }: HandshakeContext,
  transcript: Transcript,
  side: "client" | "server",
  understood: readonly number[],
): void {
  const chosen = certificate && chooseSignatureScheme(certificate.key.keyType, "1.3", understood);
  if (certificate !== undefined && chosen === undefined) throw noCommonScheme(certificate.key.keyType);
  const chain = encodeCertificates("1.3", certificate?.chain ?? []);
  transcript.add(HandshakeType.certificate, channel.send(HandshakeType.certificate, chain), chain);
  if (certificate === undefined || chosen === undefined) return;
  const signature = certificate.key.sign(chosen.scheme, signedContent13(side, transcript.digest()));
  const verify = encodeSigned({ scheme: chosen.id, signature });
  transcript.add(
    HandshakeType.certificateVerify,
    channel.send(HandshakeType.certificateVerify, verify),
    verify,
  );
}
