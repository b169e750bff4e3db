import type { CryptoProvider, KeyAgreement } from "../../crypto/index.ts";

/** Key exchanges by the names of IANA's "TLS Supported Groups". */
export type DtlsGroup = "X25519MLKEM768" | "x25519" | "secp256r1" | "secp384r1";

/** Numbers of the groups. */
export const GROUP_IDS: Readonly<Record<DtlsGroup, number>> = {
  X25519MLKEM768: 0x11ec,
  x25519: 29,
  secp256r1: 23,
  secp384r1: 24,
};

/** The group of a number, if it is one of ours. */
export function groupOf(id: number): DtlsGroup | undefined {
  return GROUPS.find((group) => GROUP_IDS[group] === id);
}

/** All groups in order of preference: the one that outlasts quantum computers first, then the cheapest. */
export const GROUPS: readonly DtlsGroup[] = ["X25519MLKEM768", "x25519", "secp256r1", "secp384r1"];

const PLAIN = { x25519: "x25519", secp256r1: "p-256", secp384r1: "p-384" } as const;

/**
 * X25519MLKEM768 (draft-ietf-tls-ecdhe-mlkem): the client sends an encapsulation key of 1184 bytes and an X25519 key of
 * 32; the server a ciphertext of 1088 bytes and its X25519 key; the secret is the KEM's followed by X25519's.
 */
const KEM_PUBLIC_KEY_BYTES = 1184;
const KEM_CIPHERTEXT_BYTES = 1088;
const X25519_BYTES = 32;

/** The offering half of a key exchange. */
export interface KeyShare {
  readonly group: DtlsGroup;
  /** What the other side is sent. */
  readonly publicKey: Uint8Array;
  /** The secret, from what the other side answered; undefined when that is no valid answer. */
  agree(answer: Uint8Array): Uint8Array | undefined;
}

/**
 * Shares for several groups. The hybrid and the plain X25519 share use one X25519 key: half of the cost, and each is
 * used once at most.
 */
export function createKeyShares(crypto: CryptoProvider, groups: readonly DtlsGroup[]): KeyShare[] {
  let x25519: KeyAgreement | undefined;
  return groups.map((group) => {
    if (group !== "X25519MLKEM768" && group !== "x25519") {
      const agreement = crypto.createKeyAgreement(PLAIN[group]);
      return { group, publicKey: agreement.publicKey, agree: (answer) => agreement.agree(answer) };
    }
    x25519 ??= crypto.createKeyAgreement("x25519");
    return group === "x25519" ? plainX25519(x25519) : hybrid(crypto, x25519);
  });
}

function plainX25519(agreement: KeyAgreement): KeyShare {
  return {
    group: "x25519",
    publicKey: agreement.publicKey,
    agree: (answer) => agreement.agree(answer),
  };
}

function hybrid(crypto: CryptoProvider, x25519: KeyAgreement): KeyShare {
  const kem = crypto.createKemKeyPair();
  return {
    group: "X25519MLKEM768",
    publicKey: join(kem.publicKey, x25519.publicKey),
    agree(answer) {
      if (answer.length !== KEM_CIPHERTEXT_BYTES + X25519_BYTES) return undefined;
      const first = kem.decapsulate(answer.subarray(0, KEM_CIPHERTEXT_BYTES));
      const second = x25519.agree(answer.subarray(KEM_CIPHERTEXT_BYTES));
      return first === undefined || second === undefined ? undefined : join(first, second);
    },
  };
}

/** The answering half: what to send back, and the secret. */
export interface KeyShareAnswer {
  readonly publicKey: Uint8Array;
  readonly secret: Uint8Array;
}

/** Answers a share; undefined when it is not valid. */
export function answerKeyShare(
  crypto: CryptoProvider,
  group: DtlsGroup,
  share: Uint8Array,
): KeyShareAnswer | undefined {
  if (group !== "X25519MLKEM768") {
    const agreement = crypto.createKeyAgreement(PLAIN[group]);
    const secret = agreement.agree(share);
    return secret && { publicKey: agreement.publicKey, secret };
  }
  if (share.length !== KEM_PUBLIC_KEY_BYTES + X25519_BYTES) return undefined;
  const x25519 = crypto.createKeyAgreement("x25519");
  const second = x25519.agree(share.subarray(KEM_PUBLIC_KEY_BYTES));
  const kem = crypto.encapsulate(share.subarray(0, KEM_PUBLIC_KEY_BYTES));
  if (second === undefined || kem === undefined) return undefined;
  return { publicKey: join(kem.ciphertext, x25519.publicKey), secret: join(kem.sharedSecret, second) };
}

function join(a: Uint8Array, b: Uint8Array): Uint8Array {
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}
