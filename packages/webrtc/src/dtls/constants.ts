/** Record types (RFC 9147 §4.1, RFC 6347 §4.3.1). */
export const ContentType = {
  changeCipherSpec: 20,
  alert: 21,
  handshake: 22,
  applicationData: 23,
  ack: 26,
} as const;

/** Handshake message types (RFC 8446 §4, RFC 9147 §5.2, RFC 5246 §7.4). */
export const HandshakeType = {
  helloRequest: 0,
  clientHello: 1,
  serverHello: 2,
  helloVerifyRequest: 3,
  newSessionTicket: 4,
  encryptedExtensions: 8,
  certificate: 11,
  serverKeyExchange: 12,
  certificateRequest: 13,
  serverHelloDone: 14,
  certificateVerify: 15,
  clientKeyExchange: 16,
  finished: 20,
  keyUpdate: 24,
  messageHash: 254,
} as const;

/** Versions as on the wire: the one's complement of the number people use. */
export const WireVersion = { dtls10: 0xfeff, dtls12: 0xfefd, dtls13: 0xfefc } as const;

/** Versions of DTLS that are spoken here. */
export type DtlsVersion = "1.3" | "1.2";

/** Extensions that are understood (IANA "TLS ExtensionType Values"). */
export const ExtensionType = {
  supportedGroups: 10,
  ecPointFormats: 11,
  signatureAlgorithms: 13,
  useSrtp: 14,
  extendedMasterSecret: 23,
  supportedVersions: 43,
  cookie: 44,
  keyShare: 51,
  renegotiationInfo: 0xff01,
} as const;

/** Random bytes of a hello. */
export const RANDOM_BYTES = 32;

/** RFC 8446 §4.1.3: the random of a ServerHello that is a HelloRetryRequest: SHA-256 of "HelloRetryRequest". */
export const RETRY_RANDOM: Uint8Array = Uint8Array.of(
  0xcf,
  0x21,
  0xad,
  0x74,
  0xe5,
  0x9a,
  0x61,
  0x11,
  0xbe,
  0x1d,
  0x8c,
  0x02,
  0x1e,
  0x65,
  0xb8,
  0x91,
  0xc2,
  0xa2,
  0x11,
  0x16,
  0x7a,
  0xbb,
  0x8c,
  0x5e,
  0x07,
  0x9e,
  0x09,
  0xe2,
  0xc8,
  0xa8,
  0x33,
  0x9c,
);

/** RFC 8446 §4.1.3: the last bytes of the random of a server that could do 1.3 and was asked for 1.2. */
export const DOWNGRADE_SENTINEL: Uint8Array = Uint8Array.of(0x44, 0x4f, 0x57, 0x4e, 0x47, 0x52, 0x44, 0x01);

/** RFC 8446 §4: limits no honest message comes near; a whole association may hold this much of unfinished ones. */
export const MAX_HANDSHAKE_MESSAGE_BYTES = 32_768;
export const MAX_REASSEMBLY_BYTES = 65_536;
