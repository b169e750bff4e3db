import {
  constants,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
  X509Certificate,
} from "node:crypto";
import {
  canSign,
  type KeyType,
  type ParsedCertificate,
  type SignatureScheme,
  type SigningKey,
  type SigningKeyAlgorithm,
} from "../crypto/index.ts";

/** Below this RSA is broken in practice; above, a verification takes longer than a stranger is worth. */
const RSA_BITS = { minimum: 2048, maximum: 8192 } as const;
const RSA_OPTIONS = { modulusLength: 2048, publicExponent: 0x10001 } as const;
const ECDSA_OPTIONS = { namedCurve: "prime256v1" } as const;

/** A new signing key, made on this thread. */
export function generateSigningKey(algorithm: SigningKeyAlgorithm): SigningKey {
  const { privateKey } =
    algorithm === "ecdsa-p256"
      ? generateKeyPairSync("ec", ECDSA_OPTIONS)
      : generateKeyPairSync("rsa", RSA_OPTIONS);
  return createSigningKey(privateKey);
}

/** A new signing key, made on another thread. */
export function generateSigningKeyAsync(algorithm: SigningKeyAlgorithm): Promise<SigningKey> {
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, _publicKey: KeyObject, privateKey: KeyObject): void => {
      if (error === null) resolve(createSigningKey(privateKey));
      else reject(error);
    };
    if (algorithm === "ecdsa-p256") generateKeyPair("ec", ECDSA_OPTIONS, done);
    else generateKeyPair("rsa", RSA_OPTIONS, done);
  });
}

/** A signing key in PEM. */
export function importSigningKey(pem: string): SigningKey {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    // Its message may quote the input, and the input is a secret.
    throw new TypeError("expected a private key in PEM (PKCS #8, SEC 1 or PKCS #1), unencrypted");
  }
  return createSigningKey(key);
}

/** Reads an X.509 certificate in DER. */
export function parseCertificate(der: Uint8Array): ParsedCertificate | undefined {
  try {
    const certificate = new X509Certificate(der);
    const { publicKey, validTo } = certificate;
    const keyType = keyTypeOf(publicKey);
    // A certificate with something behind it is another certificate to a fingerprint.
    if (keyType === undefined || certificate.raw.length !== der.length) return undefined;
    return {
      keyType,
      notAfter: Date.parse(validTo),
      verify: (scheme, data, signature) =>
        canSign(keyType, scheme) && verifySignature(scheme, data, publicKey, signature),
    };
  } catch {
    // Not a certificate, or a key OpenSSL does not know.
    return undefined;
  }
}

function createSigningKey(key: KeyObject): SigningKey {
  const publicKey = createPublicKey(key);
  const keyType = keyTypeOf(publicKey);
  if (keyType === undefined) {
    throw new TypeError(
      `expected a key of ECDSA (P-256, P-384), Ed25519 or RSA (2048 to 8192 bits), got ${key.asymmetricKeyType}`,
    );
  }
  return {
    keyType,
    publicKeyInfo: new Uint8Array(publicKey.export({ format: "der", type: "spki" })),
    sign: (scheme, data) => new Uint8Array(sign(hashOf(scheme), data, { key, ...paddingOf(scheme) })),
  };
}

function verifySignature(
  scheme: SignatureScheme,
  data: Uint8Array,
  key: KeyObject,
  signature: Uint8Array,
): boolean {
  try {
    return verify(hashOf(scheme), data, { key, ...paddingOf(scheme) }, signature);
  } catch {
    // A signature that is not even one in form.
    return false;
  }
}

function keyTypeOf(key: KeyObject): KeyType | undefined {
  const { asymmetricKeyType, asymmetricKeyDetails } = key;
  switch (asymmetricKeyType) {
    case "ec":
      if (asymmetricKeyDetails?.namedCurve === "prime256v1") return "ecdsa-p256";
      return asymmetricKeyDetails?.namedCurve === "secp384r1" ? "ecdsa-p384" : undefined;
    case "ed25519":
      return "ed25519";
    case "rsa": {
      const bits = asymmetricKeyDetails?.modulusLength ?? 0;
      return bits >= RSA_BITS.minimum && bits <= RSA_BITS.maximum ? "rsa" : undefined;
    }
    default:
      return undefined;
  }
}

/** Ed25519 hashes by itself. */
function hashOf(scheme: SignatureScheme): string | null {
  return scheme === "ed25519" ? null : scheme.slice(scheme.lastIndexOf("-") + 1);
}

function paddingOf(scheme: SignatureScheme): { padding?: number; saltLength?: number } {
  if (scheme.startsWith("rsa-pss")) {
    // RFC 8446 §4.2.3: the salt is as long as the digest.
    return { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
  }
  return scheme.startsWith("rsa-") ? { padding: constants.RSA_PKCS1_PADDING } : {};
}
