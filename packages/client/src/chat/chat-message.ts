import type { ParticipantId } from "@naru/signaling/protocol";
import type { WallClockMillis } from "@naru/webrtc/sansio";

/** Longest chat message, in UTF-16 code units. */
export const MAX_CHAT_LENGTH = 4_000;

/** A message of the chat. */
export interface ChatMessage {
  /** Unique in the room. */
  readonly id: string;
  readonly from: ParticipantId;
  /** Name of the sender when the message was written. */
  readonly name: string;
  readonly text: string;
  /** By the sender's clock, whatever that says; always a time that a `Date` can hold. */
  readonly sentAt: WallClockMillis;
  /** Written by oneself. */
  readonly own: boolean;
}
