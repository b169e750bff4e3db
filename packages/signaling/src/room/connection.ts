import type { AskId, Millis } from "@naru/webrtc/sansio";
import type { JoinMessage, ParticipantId } from "../protocol/index.ts";
import type { Participant } from "./participant.ts";
import type { ConnectionId, IceServers } from "./registry-types.ts";
import type { Room } from "./room.ts";

/**
 * Where a connection is:
 *
 *     open ──join──► asking ──► lobby ──admit──► preparing ──► joined
 *       │                └────────────────────────▲
 *       └──resume────────────────────────────────┘
 *
 * From everywhere it may close. What a `preparing` connection is waiting for (ICE servers, a save) is in its fields.
 */
export type ConnectionState =
  | { readonly phase: "open" }
  /** A token is being verified. */
  | { readonly phase: "asking"; readonly ask: AskId; readonly join: JoinMessage }
  | { readonly phase: "lobby"; readonly room: Room; readonly id: ParticipantId }
  | PreparingState
  | { readonly phase: "joined"; readonly room: Room; readonly participant: Participant };

/** The participant has its place; `joined` is not sent yet. */
export interface PreparingState {
  readonly phase: "preparing";
  readonly room: Room;
  readonly participant: Participant;
  readonly ask: AskId;
  /** What resumes the session: only passes through here on its way to the client. */
  readonly session: string;
  readonly isResumed: boolean;
  /** The save that must have happened before `joined`. */
  readonly revision: number;
  iceServers: IceServers | undefined;
}

/** What the registry knows of a connection: one small object, no timers. */
export interface Connection {
  readonly id: ConnectionId;
  readonly address: string;
  readonly openedAt: Millis;
  heardAt: Millis;
  /** When the last ping was sent. */
  pingedAt: Millis;
  /** When it was last asked which ICE servers it may use. */
  iceServersAt: Millis;
  state: ConnectionState;
}
