/**
 * Rooms, media, chat and files over WebRTC, for the browser.
 *
 * @module
 */
export type {
  KnockingParticipant,
  MediaKind,
  ParticipantId,
  ParticipantInfo,
  ParticipantRole,
  ParticipantState,
  Presence,
  RoomInfo,
  SignalingErrorCode,
} from "@naru/signaling/protocol";
export { SIGNALING_PATH, WEBSOCKET_SUBPROTOCOL } from "@naru/signaling/protocol";
export type { Logger } from "@naru/webrtc/sansio";
export type * from "@naru/webrtc/timeline";
export { type ChatMessage, MAX_CHAT_LENGTH } from "./chat/chat-message.ts";
export { type CaptureErrorCode, ClientError, type ClientErrorCode } from "./errors.ts";
export type { Unsubscribe } from "./events.ts";
export type { LocalParticipant } from "./local-participant.ts";
export type { CaptureOptions, ConnectOptions, RoomOptions, SendFileOptions } from "./options.ts";
export { createBrowserPlatform } from "./platform/browser.ts";
export type { ClientPlatform, ClientTimer } from "./platform/platform.ts";
export type { ConnectionStats, RemoteParticipant, VideoStats } from "./remote-participant.ts";
export { Room } from "./room.ts";
export type { ClosedReason, ReconnectInfo, RoomEvents, RoomState } from "./room-events.ts";
export type {
  FileTransfer,
  TransferFailure,
  TransferReceiver,
  TransferState,
} from "./transfer/file-transfer.ts";
