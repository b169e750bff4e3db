import type {
  MediaKind,
  ParticipantLeftMessage,
  RoomInfo,
  SignalingErrorCode,
} from "@naru/signaling/protocol";
import type { ChatMessage } from "./chat/chat-message.ts";
import type { ClientError } from "./errors.ts";
import type { RemoteParticipant } from "./remote-participant.ts";
import type { FileTransfer } from "./transfer/file-transfer.ts";

/**
 * `connecting` to the server for the first time, `lobby` while a host must admit, `connected`, `reconnecting` while
 * the server cannot be reached (direct media goes on), `closed` for good.
 */
export type RoomState = "idle" | "connecting" | "lobby" | "connected" | "reconnecting" | "closed";

/** Why a room was closed. */
export interface ClosedReason {
  readonly code: "LEFT" | "SERVER_UNREACHABLE" | SignalingErrorCode;
  /** One English sentence. */
  readonly message: string;
}

/** When the next attempt to reach the server is made. */
export interface ReconnectInfo {
  /** 1 for the first attempt since the connection was lost. */
  readonly attempt: number;
  /** From the moment of the event. */
  readonly retryInMs: number;
}

/** Events of a {@link Room}: their names, and what listeners get. */
export type RoomEvents = {
  readonly stateChange: readonly [state: RoomState];
  readonly participantJoined: readonly [participant: RemoteParticipant];
  readonly participantLeft: readonly [
    participant: RemoteParticipant,
    reason: ParticipantLeftMessage["reason"],
  ];
  /** Name, role, presence or state. */
  readonly participantChanged: readonly [participant: RemoteParticipant];
  /** `camera` or `screen` of a participant is another stream, or has other tracks. */
  readonly trackChanged: readonly [participant: RemoteParticipant];
  /** `connection` or `timeline` of a participant. */
  readonly connectionChanged: readonly [participant: RemoteParticipant];
  /** Anything of {@link Room.localParticipant}. */
  readonly localChanged: readonly [];
  /** Something that was on went off, or could not be switched on: at `connect`, or when a device was unplugged. */
  readonly captureFailed: readonly [error: ClientError];
  /** Microphones, cameras or speakers were plugged in or out. */
  readonly devicesChanged: readonly [];
  readonly roomChanged: readonly [info: RoomInfo];
  readonly knockingChanged: readonly [];
  /** A host asked to switch this off. It has been switched off. */
  readonly muteRequested: readonly [kind: MediaKind, by: RemoteParticipant | undefined];
  readonly messageReceived: readonly [message: ChatMessage];
  readonly transferAdded: readonly [transfer: FileTransfer];
  readonly transferChanged: readonly [transfer: FileTransfer];
  /** The server refused something and stays connected: for example `NOT_ALLOWED`. */
  readonly refused: readonly [error: ClientError];
  /** The server cannot be reached: when it is tried again. */
  readonly reconnectScheduled: readonly [info: ReconnectInfo];
  readonly closed: readonly [reason: ClosedReason];
};
