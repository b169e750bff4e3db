import type {
  KnockingParticipant,
  MediaKind,
  ParticipantId,
  ParticipantRole,
  RoomInfo,
} from "@naru/signaling/protocol";
import type { ChatMessage } from "./chat/chat-message.ts";
import { ClientError } from "./errors.ts";
import { Emitter, type Unsubscribe } from "./events.ts";
import type { LocalParticipant } from "./local-participant.ts";
import type { ConnectOptions, RoomOptions, SendFileOptions } from "./options.ts";
import type { RemoteParticipant } from "./remote-participant.ts";
import type { RoomEvents, RoomState } from "./room-events.ts";
import type { FileTransfer } from "./transfer/file-transfer.ts";

/** A meeting: who is in it, their media, the chat and the files. */
export class Room {
  readonly #events: Emitter<RoomEvents> = new Emitter();
  readonly #participants: Map<ParticipantId, RemoteParticipant> = new Map();

  constructor(_options: RoomOptions = {}) {}

  /** Listens; the answer is a function that stops listening. */
  on<Name extends keyof RoomEvents>(event: Name, listener: (...args: RoomEvents[Name]) => void): Unsubscribe {
    return this.#events.on(event, listener);
  }

  /** Joins. Resolves once inside, which takes a host when the room has a lobby. */
  async connect(_options: ConnectOptions): Promise<void> {
    throw notYet();
  }

  /** Leaves for good and switches every device off. */
  async leave(): Promise<void> {}

  /** Tries to reach the server now instead of at the end of the pause. */
  reconnectNow(): void {}

  /** Sends a chat message to everybody. */
  sendChat(_text: string): ChatMessage {
    throw notYet();
  }

  /** Offers a file to everybody, or to some. */
  sendFile(_file: Blob, _options: SendFileOptions = {}): FileTransfer {
    throw notYet();
  }

  /** Host: nobody new gets in. */
  lock(_on: boolean): void {}
  /** Host: newcomers wait to be admitted. */
  setLobby(_on: boolean): void {}
  admit(_id: ParticipantId): void {}
  deny(_id: ParticipantId): void {}
  /** Host: asks somebody's client to switch off microphone or camera. */
  requestMute(_id: ParticipantId, _kind: MediaKind): void {}
  remove(_id: ParticipantId): void {}
  setRole(_id: ParticipantId, _role: ParticipantRole): void {}

  get state(): RoomState {
    return "idle";
  }
  get info(): RoomInfo | undefined {
    return undefined;
  }
  get localParticipant(): LocalParticipant {
    throw notYet();
  }
  get remoteParticipants(): ReadonlyMap<ParticipantId, RemoteParticipant> {
    return this.#participants;
  }
  get knocking(): readonly KnockingParticipant[] {
    return [];
  }
  get messages(): readonly ChatMessage[] {
    return [];
  }
  get transfers(): readonly FileTransfer[] {
    return [];
  }
}

function notYet(): ClientError {
  return new ClientError("ROOM_STATE", "the room is not connected", "Call connect() first.");
}
