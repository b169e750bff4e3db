import type { SignalingErrorCode } from "./errors.ts";

/** Names a participant within its room, for as long as it is in it. Chosen by the server. */
export type ParticipantId = string;

/** A host may lock the room, keep a lobby, ask others to mute, and remove them. */
export type ParticipantRole = "host" | "guest";

/** What a participant says of itself to the others; the server passes it on and checks its shape only. */
export interface ParticipantState {
  readonly audio?: boolean;
  readonly video?: boolean;
  readonly screen?: boolean;
  readonly hand?: boolean;
  /** Ids of the media streams being sent, and what each of them is. */
  readonly streams?: Readonly<Record<string, "camera" | "screen">>;
}

/** `reconnecting` while its signaling connection is broken; media may well be flowing. */
export type Presence = "present" | "reconnecting";

export interface ParticipantInfo {
  readonly id: ParticipantId;
  readonly name: string;
  readonly role: ParticipantRole;
  readonly presence: Presence;
  readonly state: ParticipantState;
  /** Rises with each join, so everybody agrees on who was here first. The one who came later makes the first offer. */
  readonly joinOrder: number;
}

export interface RoomInfo {
  readonly name: string;
  /** Nobody new gets in. */
  readonly locked: boolean;
  /** Newcomers wait for a host to admit them. */
  readonly lobby: boolean;
  /** How many may be in the room. */
  readonly maxParticipants: number;
}

/** A STUN or TURN server as `RTCIceServer` (webrtc-pc §4.2.2). */
export interface IceServer {
  readonly urls: readonly string[];
  readonly username?: string;
  readonly credential?: string;
}

/** The two kinds of media a host can ask somebody to switch off. */
export type MediaKind = "audio" | "video";

/**
 * What participants tell each other to get connected. The server moves it unread (shape and size are
 * checked): the session description (RFC 9429) or a candidate (RFC 8838), `null` for the end of candidates.
 */
export type PeerSignal =
  | { readonly kind: "description"; readonly description: { readonly type: string; readonly sdp: string } }
  | { readonly kind: "candidate"; readonly candidate: CandidateInit | null }
  /** The sender gave this connection up, with its verdict; the receiver should start over or report. */
  | { readonly kind: "reset"; readonly reason: string };

/** `RTCIceCandidateInit` (webrtc-pc §4.8.1.2). */
export interface CandidateInit {
  readonly candidate: string;
  readonly sdpMid?: string | null;
  readonly sdpMLineIndex?: number | null;
  readonly usernameFragment?: string | null;
}

/** The four phases of a connection. */
export type ConnectionPhase = "exchange" | "path" | "security" | "media";

// ---------------------------------------------------------------------------------------------------------------
// Envelope: what makes delivery exact over connections that break.
//
// Three kinds of message:
// - *Reliable*: `signal`, `muteRequest` and non-fatal `error` from the server; `signal`, `state`, `report`, `moderate` and
//   `leave` from the client. The sender numbers them with `seq`, from 1 per session and direction without gaps, and keeps
//   them until the other side acknowledged them (`ack`, the highest number received, carried by any message). After
//   a resume each side sends again what the other has not acknowledged; a number already seen is dropped.
// - *Picture*: `participantJoined`, `participantLeft`, `participantChanged`, `roomChanged`, `knocking`. They carry no `seq`
//   and are never repeated: they change the complete picture that `joined` gave, and every `joined`, also the one
//   after a resume, replaces it.
// - The rest (join, resume, joined, lobby, ping, pong, ack, fatal errors) belongs to one connection.
//
// A server acknowledges what would survive its own death; so a client may be asked to send again what was handled
// already by a server that was killed. {@link SignalFromMessage.fromSeq} lets the receiver of a signal drop the copy.

export interface Envelope {
  /** Number of a reliable message. */
  readonly seq?: number;
  /** Highest number received from the other side. */
  readonly ack?: number;
}

// ---------------------------------------------------------------------------------------------------------------
// Client to server

export type ClientMessage =
  | JoinMessage
  | ResumeMessage
  | LeaveMessage
  | SignalToMessage
  | StateMessage
  | ReportMessage
  | ModerateMessage
  | PingMessage
  | AckMessage;

/** The first message of a new session. */
export interface JoinMessage {
  readonly type: "join";
  readonly version: number;
  readonly room: string;
  readonly name: string;
  /** Join token (JWT), where the operator requires one. */
  readonly token?: string;
  readonly state?: ParticipantState;
}

/** The first message of a connection that continues a session. */
export interface ResumeMessage {
  readonly type: "resume";
  readonly version: number;
  /** From {@link JoinedMessage.session}. */
  readonly session: string;
  /** Highest `seq` received from the server in order. */
  readonly received: number;
}

/** Leaves for good; the session is over. */
export interface LeaveMessage {
  readonly type: "leave";
}

export interface SignalToMessage {
  readonly type: "signal";
  readonly to: ParticipantId;
  readonly signal: PeerSignal;
}

/** Replaces one's own {@link ParticipantState}. */
export interface StateMessage {
  readonly type: "state";
  readonly state: ParticipantState;
}

/** How a connection between two participants went: for the server's log and metrics, so that operators see it too. */
export interface ReportMessage {
  readonly type: "report";
  /** The other end. */
  readonly peer: ParticipantId;
  readonly phase: ConnectionPhase;
  readonly outcome: "connected" | "failed" | "recovered";
  /** Stable code of the verdict, for example `PATH_NO_CANDIDATE_PAIR`. */
  readonly code?: string;
  /** The verdict in words (English). */
  readonly message?: string;
  readonly durationMs?: number;
}

export type ModerateAction =
  | { readonly action: "lock"; readonly locked: boolean }
  | { readonly action: "lobby"; readonly enabled: boolean }
  | { readonly action: "admit"; readonly target: ParticipantId }
  | { readonly action: "deny"; readonly target: ParticipantId }
  | { readonly action: "mute"; readonly target: ParticipantId; readonly kind: MediaKind }
  | { readonly action: "remove"; readonly target: ParticipantId }
  | { readonly action: "role"; readonly target: ParticipantId; readonly role: ParticipantRole };

/** A host's right. */
export type ModerateMessage = { readonly type: "moderate" } & ModerateAction;

/** Asks for a `pong`: browsers cannot send WebSocket pings. */
export interface PingMessage {
  readonly type: "ping";
}

/** Carries nothing but `ack`, when there was nothing else to carry it. */
export interface AckMessage {
  readonly type: "ack";
}

// ---------------------------------------------------------------------------------------------------------------
// Server to client

export type ServerMessage =
  | JoinedMessage
  | LobbyMessage
  | KnockingMessage
  | ParticipantJoinedMessage
  | ParticipantLeftMessage
  | ParticipantChangedMessage
  | RoomChangedMessage
  | SignalFromMessage
  | MuteRequestMessage
  | IceServersMessage
  | ErrorMessage
  | PongMessage
  | AckMessage;

/** Answer to `join` (maybe after the lobby) and to `resume`. A complete picture: it replaces what the client knew. */
export interface JoinedMessage {
  readonly type: "joined";
  readonly self: ParticipantId;
  /** Secret that resumes this session. A new one may come with every `joined`. */
  readonly session: string;
  readonly room: RoomInfo;
  /** Everybody in the room, oneself included. */
  readonly participants: readonly ParticipantInfo[];
  /** Those who wait in the lobby; hosts only, empty for guests. */
  readonly knocking: readonly KnockingParticipant[];
  readonly iceServers: readonly IceServer[];
  /** True after `resume`. */
  readonly resumed: boolean;
  /** An `ack`: the client sends again everything numbered above it. */
  readonly received: number;
}

/** The host keeps a lobby: wait. `joined` or a fatal `NOT_ADMITTED` follows. */
export interface LobbyMessage {
  readonly type: "lobby";
  readonly room: string;
}

export interface KnockingParticipant {
  readonly id: ParticipantId;
  readonly name: string;
}

/** To hosts: who waits in the lobby now. The complete list. */
export interface KnockingMessage {
  readonly type: "knocking";
  readonly knocking: readonly KnockingParticipant[];
}

export interface ParticipantJoinedMessage {
  readonly type: "participantJoined";
  readonly participant: ParticipantInfo;
}

export interface ParticipantLeftMessage {
  readonly type: "participantLeft";
  readonly id: ParticipantId;
  readonly reason: "left" | "removed" | "connectionLost";
}

/** Name, role, presence or state changed. */
export interface ParticipantChangedMessage {
  readonly type: "participantChanged";
  readonly participant: ParticipantInfo;
}

export interface RoomChangedMessage {
  readonly type: "roomChanged";
  readonly room: RoomInfo;
}

export interface SignalFromMessage {
  readonly type: "signal";
  readonly from: ParticipantId;
  readonly signal: PeerSignal;
  /**
   * The sender's own `seq` of this signal. It rises; drop a signal whose number is not above the last one from the
   * same participant. Missing when the sender did not number it.
   */
  readonly fromSeq?: number;
}

/** A host asks to switch off microphone or camera. The client does so; only its user can switch it on again. */
export interface MuteRequestMessage {
  readonly type: "muteRequest";
  readonly from: ParticipantId;
  readonly kind: MediaKind;
}

/** Fresh ICE servers, before those of `joined` expire: for the next gathering. They replace all that came before. */
export interface IceServersMessage {
  readonly type: "iceServers";
  readonly iceServers: readonly IceServer[];
}

export interface ErrorMessage {
  readonly type: "error";
  readonly code: SignalingErrorCode;
  /** What was expected and what came, in English, for developers. */
  readonly message: string;
  /** The connection closes after this message. */
  readonly fatal: boolean;
}

export interface PongMessage {
  readonly type: "pong";
}
