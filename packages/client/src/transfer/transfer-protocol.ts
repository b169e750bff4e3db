import type { ControlMessage } from "../connection/control-link.ts";
import { isRecord, parseJson } from "../connection/server-message.ts";
import type { TransferFailure } from "./file-transfer.ts";

/**
 * Files between two participants, described in `docs/protocols/files.md`: these messages go over the control link
 * (exactly once, in order); the bytes go over an ordered channel of their own, `file/<id>/<offset>`.
 */
export type TransferMessage =
  | {
      readonly type: "fileOffer";
      readonly id: string;
      readonly name: string;
      readonly size: number;
      readonly mediaType: string;
    }
  /** Send from `offset` on: the first time, and again after each interruption. */
  | { readonly type: "fileAccept"; readonly id: string; readonly offset: number }
  | { readonly type: "fileDecline"; readonly id: string }
  | { readonly type: "fileCancel"; readonly id: string }
  /** The receiver has everything, and the hash is right. */
  | { readonly type: "fileDone"; readonly id: string }
  | { readonly type: "fileFailed"; readonly id: string; readonly code: TransferFailure["code"] };

/** Texts on a file's own channel. */
export type ChannelText =
  /** Receiver: how much it has. */
  | { readonly received: number }
  /** Sender: that was all; the hash of the whole file. */
  | { readonly sha256: string };

const MAX_NAME_LENGTH = 255;
/** Control characters, and the ones that turn the direction of text around (which make "exe.jpg" of "gpj.exe"). */
const INVISIBLE = /[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;
const FAILURES: readonly string[] = [
  "HASH_MISMATCH",
  "PARTICIPANT_LEFT",
  "FILE_UNREADABLE",
  "PROTOCOL",
  "TOO_LARGE",
];

/** Reads a control message; undefined when it is about no file, or not valid. */
export function parseTransferMessage(message: ControlMessage): TransferMessage | undefined {
  const { type } = message;
  const id = message["id"];
  if (typeof id !== "string" || !/^[0-9A-Za-z-]{1,64}$/.test(id)) return undefined;
  switch (type) {
    case "fileOffer": {
      const name = message["name"];
      const size = message["size"];
      const mediaType = message["mediaType"];
      if (typeof name !== "string" || !isByteCount(size) || typeof mediaType !== "string") return undefined;
      return { type, id, name: cleanFileName(name), size, mediaType: cleanMediaType(mediaType) };
    }
    case "fileAccept": {
      const offset = message["offset"];
      return isByteCount(offset) ? { type, id, offset } : undefined;
    }
    case "fileDecline":
    case "fileCancel":
    case "fileDone":
      return { type, id };
    case "fileFailed": {
      const code = message["code"];
      return { type, id, code: isFailureCode(code) ? code : "PROTOCOL" };
    }
    default:
      return undefined;
  }
}

/** Reads a text of a file's channel. */
export function parseChannelText(text: string): ChannelText | undefined {
  const value = text.length > 256 ? undefined : parseJson(text);
  if (!isRecord(value)) return undefined;
  const received = value["received"];
  const sha256 = value["sha256"];
  if (isByteCount(received)) return { received };
  return typeof sha256 === "string" && /^[0-9a-f]{64}$/.test(sha256) ? { sha256 } : undefined;
}

/** Label of the channel that carries a file's bytes from `offset` on. */
export function channelLabel(id: string, offset: number): string {
  return `file/${id}/${offset}`;
}

/** Reads a label. */
export function parseChannelLabel(
  label: string,
): { readonly id: string; readonly offset: number } | undefined {
  const match = /^file\/([0-9A-Za-z-]{1,64})\/(\d{1,16})$/.exec(label);
  const offset = Number(match?.[2]);
  return match?.[1] !== undefined && isByteCount(offset) ? { id: match[1], offset } : undefined;
}

/** A name that is only a name: no folders, nothing invisible, not too long, never empty. */
export function cleanFileName(name: string): string {
  const base = name.split(/[/\\]/).at(-1) ?? "";
  const visible = base.replace(INVISIBLE, "").trim();
  const short = visible.length > MAX_NAME_LENGTH ? visible.slice(-MAX_NAME_LENGTH) : visible;
  return /^\.*$/.test(short) ? "file" : short;
}

/** In words, for people. */
export function failure(code: TransferFailure["code"]): TransferFailure {
  return { code, message: FAILURE_MESSAGES[code] };
}

const FAILURE_MESSAGES: Readonly<Record<TransferFailure["code"], string>> = {
  HASH_MISMATCH:
    "The file arrived damaged: its SHA-256 is not the one that the sender computed. Send it again.",
  PARTICIPANT_LEFT: "The other participant left before the file was complete.",
  FILE_UNREADABLE: "The file could not be read any more; it may have been moved or changed. Choose it again.",
  PROTOCOL: "The two sides lost track of this file. Send it again.",
  TOO_LARGE: "The file is larger than it was announced to be.",
};

function cleanMediaType(mediaType: string): string {
  return /^[\w.+-]{1,64}\/[\w.+-]{1,64}$/.test(mediaType) ? mediaType : "application/octet-stream";
}

function isFailureCode(value: unknown): value is TransferFailure["code"] {
  return typeof value === "string" && FAILURES.includes(value);
}

function isByteCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
