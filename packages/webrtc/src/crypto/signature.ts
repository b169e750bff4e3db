/**
 * Signature algorithms. An ECDSA scheme names the hash alone: TLS 1.3 ties the curve to it, TLS 1.2 does not.
 */
export type SignatureScheme =
  | "ecdsa-sha256"
  | "ecdsa-sha384"
  | "ed25519"
  | "rsa-pss-sha256"
  | "rsa-pss-sha384"
  | "rsa-pss-sha512"
  | "rsa-pkcs1-sha256"
  | "rsa-pkcs1-sha384"
  | "rsa-pkcs1-sha512";

/** Keys that are made here. */
export type SigningKeyAlgorithm = "ecdsa-p256" | "rsa-2048";

/** What a key is, as far as choosing a signature scheme needs it. */
export type KeyType = "ecdsa-p256" | "ecdsa-p384" | "ed25519" | "rsa";

/** A private key that signs. Its secret never leaves the provider. */
export interface SigningKey {
  readonly keyType: KeyType;
  /** SubjectPublicKeyInfo in DER (RFC 5280 §4.1), to be put into a certificate. */
  readonly publicKeyInfo: Uint8Array;
  /** The signature of `data`; ECDSA as a DER sequence of two integers. */
  sign(scheme: SignatureScheme, data: Uint8Array): Uint8Array;
}

/** A certificate somebody sent. */
export interface ParsedCertificate {
  readonly keyType: KeyType;
  /** End of validity, milliseconds since 1970. */
  readonly notAfter: number;
  /** Whether `signature` is the key's of `data`. False for a scheme that is not one of the key's type. */
  verify(scheme: SignatureScheme, data: Uint8Array, signature: Uint8Array): boolean;
}

/** Whether a key of `keyType` can make signatures of `scheme`. */
export function canSign(keyType: KeyType, scheme: SignatureScheme): boolean {
  switch (keyType) {
    case "ecdsa-p256":
    case "ecdsa-p384":
      return scheme === "ecdsa-sha256" || scheme === "ecdsa-sha384";
    case "ed25519":
      return scheme === "ed25519";
    case "rsa":
      return scheme.startsWith("rsa-");
    default:
      return keyType satisfies never;
  }
}
