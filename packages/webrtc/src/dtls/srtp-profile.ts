/** Protection profiles of SRTP by the names of IANA (RFC 5764 §4.1.2, RFC 7714 §14.2). */
export type SrtpProfile =
  | "SRTP_AES128_CM_HMAC_SHA1_80"
  | "SRTP_AES128_CM_HMAC_SHA1_32"
  | "SRTP_AEAD_AES_128_GCM"
  | "SRTP_AEAD_AES_256_GCM";

/** Number, and the lengths of master key and salt in bytes. */
export interface SrtpProfileParameters {
  readonly id: number;
  readonly keyBytes: number;
  readonly saltBytes: number;
}

export const SRTP_PROFILES: Readonly<Record<SrtpProfile, SrtpProfileParameters>> = {
  SRTP_AEAD_AES_128_GCM: { id: 0x0007, keyBytes: 16, saltBytes: 12 },
  SRTP_AEAD_AES_256_GCM: { id: 0x0008, keyBytes: 32, saltBytes: 12 },
  SRTP_AES128_CM_HMAC_SHA1_80: { id: 0x0001, keyBytes: 16, saltBytes: 14 },
  SRTP_AES128_CM_HMAC_SHA1_32: { id: 0x0002, keyBytes: 16, saltBytes: 14 },
};

/** Master key and salt of one direction. */
export interface SrtpMasterKey {
  readonly key: Uint8Array;
  readonly salt: Uint8Array;
}

/** RFC 5764 §4.2: what the exported bytes are, client's first: both keys, then both salts. */
export function splitSrtpKeys(
  { keyBytes, saltBytes }: SrtpProfileParameters,
  material: Uint8Array,
): { client: SrtpMasterKey; server: SrtpMasterKey } {
  const salts = 2 * keyBytes;
  return {
    client: { key: material.slice(0, keyBytes), salt: material.slice(salts, salts + saltBytes) },
    server: {
      key: material.slice(keyBytes, salts),
      salt: material.slice(salts + saltBytes, salts + 2 * saltBytes),
    },
  };
}
