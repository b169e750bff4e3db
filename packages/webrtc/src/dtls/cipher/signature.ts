import { canSign, type KeyType, type SignatureScheme } from "../../crypto/index.ts";
import type { DtlsVersion } from "../constants.ts";

/** Numbers of signature schemes (RFC 8446 §4.2.3; in 1.2 the same numbers are hash and signature, RFC 5246 §7.4.1.4.1). */
const SCHEMES: ReadonlyMap<number, SignatureScheme> = new Map([
  [0x0403, "ecdsa-sha256"],
  [0x0503, "ecdsa-sha384"],
  [0x0807, "ed25519"],
  [0x0804, "rsa-pss-sha256"],
  [0x0805, "rsa-pss-sha384"],
  [0x0806, "rsa-pss-sha512"],
  [0x0401, "rsa-pkcs1-sha256"],
  [0x0501, "rsa-pkcs1-sha384"],
  [0x0601, "rsa-pkcs1-sha512"],
]);

/** What is announced as understood, in order of preference. Those with PKCS #1 padding are for 1.2 only. */
export const SIGNATURE_SCHEME_IDS: readonly number[] = [...SCHEMES.keys()];

/** The scheme we sign with: the first of ours that the peer understands. */
export function chooseSignatureScheme(
  keyType: KeyType,
  version: DtlsVersion,
  peerIds: readonly number[],
): { id: number; scheme: SignatureScheme } | undefined {
  for (const [id, scheme] of SCHEMES) {
    if (peerIds.includes(id) && fits(keyType, scheme, version)) return { id, scheme };
  }
  return undefined;
}

/** The scheme of a number, if the key can have made such a signature in this version. */
export function signatureSchemeOf(
  id: number,
  keyType: KeyType,
  version: DtlsVersion,
): SignatureScheme | undefined {
  const scheme = SCHEMES.get(id);
  return scheme !== undefined && fits(keyType, scheme, version) ? scheme : undefined;
}

function fits(keyType: KeyType, scheme: SignatureScheme, version: DtlsVersion): boolean {
  if (!canSign(keyType, scheme)) return false;
  if (version === "1.2") return true;
  // RFC 8446 §4.2.3: the scheme fixes the curve, and PKCS #1 v1.5 signs certificates only.
  if (keyType === "ecdsa-p256") return scheme === "ecdsa-sha256";
  if (keyType === "ecdsa-p384") return scheme === "ecdsa-sha384";
  return !scheme.startsWith("rsa-pkcs1");
}
