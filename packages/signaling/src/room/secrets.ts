import { type RandomSource, randomBytes } from "@naru/webrtc/sansio";
import type { ParticipantId } from "../protocol/index.ts";

/** The cryptography the room core needs, given from outside. */
export interface RoomCrypto {
  /** SHA-256 of `bytes`: 32 new bytes. */
  sha256(bytes: Uint8Array): Uint8Array;
}

/** 64 bits: two participants never share one in practice. It is public; the secret is apart. */
const ID_BYTES = 8;
/** 256 bits cannot be guessed. */
const SECRET_BYTES = 32;

const ID_PATTERN = /^[0-9a-f]{16}$/;
const SECRET_PATTERN = /^[0-9a-f]{64}$/;

/** A fresh id. */
export function createParticipantId(random: RandomSource): ParticipantId {
  return toHex(randomBytes(random, ID_BYTES));
}

/** What resumes a session, and what the server keeps of it. */
export interface SessionSecret {
  /** `<participant id>.<secret>`, for the client only. */
  readonly session: string;
  /** SHA-256 of the secret in hexadecimal: all that is kept, in memory and on disk. */
  readonly hash: string;
}

/** A fresh secret for `id`. */
export function createSessionSecret(
  id: ParticipantId,
  random: RandomSource,
  crypto: RoomCrypto,
): SessionSecret {
  const secret = toHex(randomBytes(random, SECRET_BYTES));
  return { session: `${id}.${secret}`, hash: hashSecret(secret, crypto) };
}

/** Takes a client's `session` apart, or undefined when it cannot be one of ours. */
export function parseSession(
  session: string,
  crypto: RoomCrypto,
): { readonly id: ParticipantId; readonly hash: string } | undefined {
  const dot = session.indexOf(".");
  const id = session.slice(0, Math.max(dot, 0));
  const secret = session.slice(dot + 1);
  if (!ID_PATTERN.test(id) || !SECRET_PATTERN.test(secret)) return undefined;
  return { id, hash: hashSecret(secret, crypto) };
}

/** Whether two hashes are equal, in time that depends only on their length. */
export function equalHashes(a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i);
  return difference === 0;
}

function hashSecret(secret: string, crypto: RoomCrypto): string {
  return toHex(crypto.sha256(new TextEncoder().encode(secret)));
}

function toHex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}
