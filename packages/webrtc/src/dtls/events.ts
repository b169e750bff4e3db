import type { PacketSlot } from "../kernel/index.ts";
import type { DtlsGroup } from "./cipher/group.ts";
import type { DtlsVersion } from "./constants.ts";
import type { DtlsErrorCode } from "./errors.ts";
import type { SrtpProfile } from "./srtp-profile.ts";

/** Why an association is over. */
export type DtlsCloseReason =
  /** We were told to. */
  | { readonly type: "local" }
  /** The peer said goodbye, and it was the peer. */
  | { readonly type: "remote" }
  /** Something is wrong. */
  | {
      readonly type: "failed";
      readonly code: DtlsErrorCode;
      /** Who found it: the other side then said so with an alert. */
      readonly by: "local" | "remote";
      /** The alert that was sent or received. */
      readonly alert: string;
      /** A sentence for people. */
      readonly message: string;
    };

export type DtlsEvent =
  | {
      /** The peer's certificate is here and nobody has said whether it is the right one. */
      readonly type: "certificate";
      /** DER, the leaf first. */
      readonly chain: readonly Uint8Array[];
    }
  | {
      /** Both sides have proven who they are; data flows. */
      readonly type: "connected";
      readonly version: DtlsVersion;
      /** Cipher suite, as IANA names it. */
      readonly cipherSuite: string;
      readonly group: DtlsGroup;
      readonly srtpProfile: SrtpProfile | undefined;
      /** DER, the leaf first; empty for a client that was not asked for one. */
      readonly remoteCertificates: readonly Uint8Array[];
    }
  | {
      /** Application data: one record. */
      readonly type: "data";
      /** Holds it at `[start, end)`; the receiver's, to be released to its arena. */
      readonly packet: PacketSlot;
    }
  | { readonly type: "closed"; readonly reason: DtlsCloseReason };

/** Input that was not taken, by reason, and what could not be sent. */
export interface DtlsCounters {
  /** Not a record, or a handshake message, in form. */
  readonly malformed: number;
  /** Records seen before, or too old to tell. */
  readonly replayed: number;
  /** Records that are not authentic. */
  readonly forged: number;
  /** Records whose keys are not known, beyond what is kept for later. */
  readonly early: number;
  /** Records in the clear where none may be: alerts, data, handshake messages after the handshake. */
  readonly unprotected: number;
  /** Handshake messages in the clear that were not acceptable. */
  readonly refused: number;
  /** Dropped for want of memory, in and out. */
  readonly noMemory: number;
}
