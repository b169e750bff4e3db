/**
 * What the protocols need of cryptography, as interfaces: the platform provides it.
 *
 * @module
 */
export { equalConstantTime } from "./constant-time.ts";
export type { CryptoProvider, HashAlgorithm, Hmac } from "./provider.ts";
