/**
 * What the protocols need of cryptography, as interfaces: the platform provides it.
 *
 * @module
 */
export {
  AEAD_KEY_BYTES,
  AEAD_NONCE_BYTES,
  AEAD_TAG_BYTES,
  type Aead,
  type AeadAlgorithm,
  BLOCK_BYTES,
  type BlockCipher,
  type BlockCipherAlgorithm,
} from "./cipher.ts";
export { equalConstantTime } from "./constant-time.ts";
export type {
  CryptoProvider,
  Encapsulation,
  Hash,
  HashAlgorithm,
  Hmac,
  KemKeyPair,
  KeyAgreement,
  KeyAgreementGroup,
} from "./provider.ts";
export {
  canSign,
  type KeyType,
  type ParsedCertificate,
  type SignatureScheme,
  type SigningKey,
  type SigningKeyAlgorithm,
} from "./signature.ts";
