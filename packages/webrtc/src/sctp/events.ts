import type { SctpMessageEvent } from "./rx/inbound-streams.ts";

/** States of an association (RFC 9260 §4). */
export type SctpState =
  | "closed"
  | "cookieWait"
  | "cookieEchoed"
  | "established"
  | "shutdownPending"
  | "shutdownSent"
  | "shutdownReceived"
  | "shutdownAckSent";

/** Why an association is over. */
export type SctpCloseReason =
  /** We closed it. */
  | "closed"
  /** Both sides finished (RFC 9260 §9.2). */
  | "shutdown"
  /** The peer aborted it. */
  | "aborted"
  /** The peer broke the protocol, and we aborted. */
  | "protocolViolation"
  /** The peer did not answer any more. */
  | "timeout";

export type SctpEvent =
  | SctpMessageEvent
  | {
      readonly type: "connected";
      readonly outboundStreams: number;
      readonly inboundStreams: number;
    }
  /** The peer started again (RFC 9260 §5.2.4 A): what had not arrived is lost, and all streams start from 0. */
  | { readonly type: "restarted" }
  | { readonly type: "closed"; readonly reason: SctpCloseReason; readonly detail: string }
  /** The peer will send nothing more on these streams as they were (RFC 6525 §5.2.2). */
  | { readonly type: "incomingStreamsReset"; readonly streamIds: readonly number[] | "all" }
  /** A {@link SctpAssociation.resetStreams} is done; with `isReset` false the peer refused. */
  | {
      readonly type: "outgoingStreamsReset";
      readonly streamIds: readonly number[];
      readonly isReset: boolean;
    }
  /** An {@link SctpAssociation.addOutgoingStreams} is done; the count is the new one, or the old when refused. */
  | { readonly type: "outgoingStreamsAdded"; readonly outboundStreams: number; readonly isAdded: boolean }
  /** The peer can now send on so many streams. */
  | { readonly type: "incomingStreamsAdded"; readonly inboundStreams: number }
  /** What waits on a stream has fallen to the threshold that was set. */
  | { readonly type: "bufferedAmountLow"; readonly streamId: number };
