import { Queue } from "@naru/webrtc/sansio";
import type {
  ErrorMessage,
  KnockingMessage,
  KnockingParticipant,
  ModerateAction,
  MuteRequestMessage,
  ParticipantChangedMessage,
  ParticipantId,
  ParticipantInfo,
  ParticipantJoinedMessage,
  ParticipantLeftMessage,
  ParticipantRole,
  ParticipantState,
  PeerSignal,
  Presence,
  RoomChangedMessage,
  RoomInfo,
  SignalFromMessage,
  SignalingErrorCode,
} from "../protocol/index.ts";
import {
  type Newcomer,
  type Participant,
  type ParticipantSnapshot,
  participantInfo,
  participantSnapshot,
} from "./participant.ts";
import { mayModerate } from "./permissions.ts";
import type { ResumeLogLimits } from "./resume-log.ts";
import { Session } from "./session.ts";

/** How large one room may get. */
export interface RoomLimits {
  readonly maxParticipants: number;
  /** How many may wait in the lobby. */
  readonly maxKnocking: number;
  /** What each participant may have waiting. */
  readonly log: ResumeLogLimits;
}

/** Changes the picture of the room; a `joined` makes it superfluous. */
export type PictureMessage =
  | ParticipantJoinedMessage
  | ParticipantLeftMessage
  | ParticipantChangedMessage
  | RoomChangedMessage
  | KnockingMessage;

/** Numbered and kept until acknowledged. */
export type ReliableMessage = SignalFromMessage | MuteRequestMessage | ErrorMessage;

/** What a room wants done. */
export type RoomOutput =
  | { readonly type: "picture"; readonly to: Audience; readonly message: PictureMessage }
  | { readonly type: "reliable"; readonly to: ParticipantId; readonly message: ReliableMessage }
  /** Somebody was let in from the lobby: call {@link Room.join}. */
  | { readonly type: "admitted"; readonly newcomer: Newcomer }
  /** Somebody was turned away from the lobby. */
  | { readonly type: "denied"; readonly id: ParticipantId; readonly code: SignalingErrorCode }
  /** Somebody was removed so long ago that others have taken its place on the list. */
  | { readonly type: "forgotten"; readonly id: ParticipantId }
  /** Somebody is out, for good. */
  | { readonly type: "left"; readonly participant: Participant; readonly reason: LeaveReason };

/** Who is told: everybody, the hosts, everybody but one, or one alone. */
export type Audience =
  | "all"
  | "hosts"
  | { readonly except: ParticipantId }
  | { readonly only: ParticipantId };

/** Why somebody is out. */
export type LeaveReason = ParticipantLeftMessage["reason"];

/** Somebody a host removed: may not come back while the room lasts. */
export interface RemovedParticipant {
  readonly id: ParticipantId;
  readonly secretHash: string;
  readonly subject?: string;
}

/** A room as it survives the server. Who waits in the lobby does not: those knock again. */
export interface RoomSnapshot {
  readonly name: string;
  readonly locked: boolean;
  readonly lobby: boolean;
  readonly nextJoinOrder: number;
  readonly participants: readonly ParticipantSnapshot[];
  readonly removed: readonly RemovedParticipant[];
}

/** Removals remembered per room; the oldest is forgotten first. */
export const MAX_REMOVED = 256;

/** What happens to somebody who wants in. */
export type Admission = "join" | "knock" | SignalingErrorCode;

/**
 * One room: who is in it, who may do what, what everybody sees. It knows no connections and no time: the
 * registry feeds it and carries its outputs out.
 */
export class Room {
  readonly name: string;
  readonly #limits: RoomLimits;
  readonly #participants = new Map<ParticipantId, Participant>();
  readonly #knocking = new Map<ParticipantId, Newcomer>();
  readonly #removed = new Map<ParticipantId, RemovedParticipant>();
  // Bounded by what the commands of one turn can cause: a few outputs per participant and knocker.
  readonly #outputs: Queue<RoomOutput>;
  #locked = false;
  #lobby = false;
  #nextJoinOrder = 1;

  constructor(name: string, limits: RoomLimits, restored?: RoomSnapshot) {
    this.name = name;
    this.#limits = limits;
    this.#outputs = new Queue(64 + 8 * (limits.maxParticipants + limits.maxKnocking));
    if (restored !== undefined) this.#restore(restored);
  }

  /** Lets somebody in, with the hash of the secret that resumes the session. */
  join(newcomer: Newcomer, secretHash: string): Participant {
    this.#knocking.delete(newcomer.id);
    const { id, name, state, subject } = newcomer;
    const mayInherit = newcomer.role !== "guest";
    const role = newcomer.role ?? (this.#participants.size === 0 ? "host" : "guest");
    const joinOrder = this.#nextJoinOrder++;
    const session = new Session(secretHash, this.#limits.log);
    const participant: Participant = {
      id,
      name,
      role,
      joinOrder,
      subject,
      mayInherit,
      session,
      presence: "present",
      state,
    };
    this.#picture("all", { type: "participantJoined", participant: participantInfo(participant) });
    this.#participants.set(id, participant);
    return participant;
  }

  /** Puts somebody into the lobby. */
  knock(newcomer: Newcomer): void {
    this.#knocking.set(newcomer.id, newcomer);
    this.#tellHostsWhoKnocks();
  }

  /** Somebody in the lobby went away. */
  withdraw(id: ParticipantId): void {
    if (this.#knocking.delete(id)) this.#tellHostsWhoKnocks();
  }

  /** Takes somebody out for good. */
  leave(id: ParticipantId, reason: LeaveReason): void {
    const participant = this.#participants.get(id);
    if (participant === undefined) return;
    this.#participants.delete(id);
    this.#outputs.push({ type: "left", participant, reason });
    this.#picture("all", { type: "participantLeft", id, reason });
    if (participant.role === "host") this.#inheritHost();
    if (this.#participants.size === 0) this.#turnAway("NOT_ADMITTED");
  }

  /** The connection of a participant broke or came back. */
  setPresence(participant: Participant, presence: Presence): void {
    if (participant.presence === presence) return;
    participant.presence = presence;
    this.#tellChanged(participant);
  }

  /** Replaces what a participant says of itself. */
  setState(participant: Participant, state: ParticipantState): void {
    participant.state = state;
    // Not to its owner: an echo of an older state could undo a newer one there.
    this.#tellChanged(participant, { except: participant.id });
  }

  /** Passes a signal on; answers why not. */
  signal(
    from: Participant,
    to: ParticipantId,
    signal: PeerSignal,
    fromSeq: number | undefined,
  ): SignalingErrorCode | undefined {
    if (to === from.id || !this.#participants.has(to)) return "NO_SUCH_PARTICIPANT";
    const message: SignalFromMessage = { type: "signal", from: from.id, signal };
    this.#outputs.push({
      type: "reliable",
      to,
      message: fromSeq === undefined ? message : { ...message, fromSeq },
    });
    return undefined;
  }

  /** Does what a host may do; answers why not. */
  moderate(by: Participant, action: ModerateAction): SignalingErrorCode | undefined {
    if (!mayModerate(by.role, action.action)) return "NOT_ALLOWED";
    switch (action.action) {
      case "lock":
        if (this.#locked !== action.locked) {
          this.#locked = action.locked;
          this.#tellRoomChanged();
        }
        return undefined;
      case "lobby":
        this.#setLobby(action.enabled);
        return undefined;
      case "admit":
        return this.#admit(action.target);
      case "deny":
        if (!this.#knocking.delete(action.target)) return "NO_SUCH_PARTICIPANT";
        this.#outputs.push({ type: "denied", id: action.target, code: "NOT_ADMITTED" });
        this.#tellHostsWhoKnocks();
        return undefined;
      case "mute": {
        if (!this.#participants.has(action.target)) return "NO_SUCH_PARTICIPANT";
        const message: MuteRequestMessage = { type: "muteRequest", from: by.id, kind: action.kind };
        this.#outputs.push({ type: "reliable", to: action.target, message });
        return undefined;
      }
      case "remove":
        return this.#remove(action.target);
      case "role":
        return this.#setRole(action.target, action.role);
      default:
        action satisfies never;
        return undefined;
    }
  }

  /** What the room wants done next, or undefined. Drain after every call that changes it. */
  pollOutput(): RoomOutput | undefined {
    return this.#outputs.shift();
  }

  /** What happens to somebody who wants in now. */
  admission(newcomer: Newcomer): Admission {
    const { subject } = newcomer;
    if (subject !== undefined && this.#isRemoved(subject)) return "REMOVED";
    if (this.#locked) return "ROOM_LOCKED";
    if (this.#participants.size >= this.#limits.maxParticipants) return "ROOM_FULL";
    if (!this.#lobby || newcomer.role === "host" || this.#participants.size === 0) return "join";
    return this.#knocking.size >= this.#limits.maxKnocking ? "ROOM_FULL" : "knock";
  }

  /** Who is in the room. */
  get participants(): ReadonlyMap<ParticipantId, Participant> {
    return this.#participants;
  }

  /** Who was removed from the room. */
  get removed(): ReadonlyMap<ParticipantId, RemovedParticipant> {
    return this.#removed;
  }

  /** Who waits in the lobby. */
  get knocking(): ReadonlyMap<ParticipantId, Newcomer> {
    return this.#knocking;
  }

  /** What everybody is told of the room itself. */
  get info(): RoomInfo {
    const { maxParticipants } = this.#limits;
    return { name: this.name, locked: this.#locked, lobby: this.#lobby, maxParticipants };
  }

  /** Everybody as everybody sees them, in the order of joining. */
  get participantInfos(): readonly ParticipantInfo[] {
    return [...this.#participants.values()].map(participantInfo);
  }

  /** Who waits, as somebody with `role` may see it. */
  knockingFor(role: ParticipantRole): readonly KnockingParticipant[] {
    return role === "host" ? [...this.#knocking.values()].map(({ id, name }) => ({ id, name })) : [];
  }

  /** As data, to survive the server. */
  snapshot(): RoomSnapshot {
    return {
      name: this.name,
      locked: this.#locked,
      lobby: this.#lobby,
      nextJoinOrder: this.#nextJoinOrder,
      participants: [...this.#participants.values()].map(participantSnapshot),
      removed: [...this.#removed.values()],
    };
  }

  #restore(snapshot: RoomSnapshot): void {
    this.#locked = snapshot.locked;
    this.#lobby = snapshot.lobby;
    this.#nextJoinOrder = snapshot.nextJoinOrder;
    for (const removed of snapshot.removed) this.#removed.set(removed.id, removed);
    for (const { session, subject, ...data } of snapshot.participants) {
      this.#participants.set(data.id, {
        ...data,
        subject,
        // Whoever it was, its connection died with the server that took the snapshot.
        presence: "reconnecting",
        session: new Session(session.secretHash, this.#limits.log, session),
      });
    }
  }

  #setLobby(enabled: boolean): void {
    if (this.#lobby === enabled) return;
    this.#lobby = enabled;
    this.#tellRoomChanged();
    if (enabled) return;
    // The door is open: whoever waits comes in, as far as there is room.
    let free = this.#limits.maxParticipants - this.#participants.size;
    for (const newcomer of [...this.#knocking.values()]) {
      if (free-- <= 0) break;
      this.#letIn(newcomer);
    }
    this.#turnAway("ROOM_FULL");
    this.#tellHostsWhoKnocks();
  }

  #admit(target: ParticipantId): SignalingErrorCode | undefined {
    const newcomer = this.#knocking.get(target);
    if (newcomer === undefined) return "NO_SUCH_PARTICIPANT";
    if (this.#participants.size >= this.#limits.maxParticipants) return "ROOM_FULL";
    this.#letIn(newcomer);
    this.#tellHostsWhoKnocks();
    return undefined;
  }

  #letIn(newcomer: Newcomer): void {
    this.#knocking.delete(newcomer.id);
    this.#outputs.push({ type: "admitted", newcomer });
  }

  #remove(target: ParticipantId): SignalingErrorCode | undefined {
    const participant = this.#participants.get(target);
    if (participant === undefined) return "NO_SUCH_PARTICIPANT";
    const { id, subject, session } = participant;
    const removed = { id, secretHash: session.secretHash };
    this.#removed.set(id, subject === undefined ? removed : { ...removed, subject });
    for (const oldest of this.#removed.keys()) {
      if (this.#removed.size <= MAX_REMOVED) break;
      this.#removed.delete(oldest);
      this.#outputs.push({ type: "forgotten", id: oldest });
    }
    this.leave(id, "removed");
    return undefined;
  }

  #setRole(target: ParticipantId, role: ParticipantRole): SignalingErrorCode | undefined {
    const participant = this.#participants.get(target);
    if (participant === undefined) return "NO_SUCH_PARTICIPANT";
    if (participant.role === role) return undefined;
    // A room never loses its last host by a slip of the hand.
    if (role === "guest" && this.#hostCount() === 1) return "NOT_ALLOWED";
    this.#changeRole(participant, role);
    return undefined;
  }

  #inheritHost(): void {
    if (this.#hostCount() > 0) return;
    // Map order is join order: the first is the one who has been here longest. Somebody whose connection is
    // broken can do nothing for a lobby, so the connected go first.
    const heirs = [...this.#participants.values()].filter((participant) => participant.mayInherit);
    const heir = heirs.find((participant) => participant.presence === "present") ?? heirs[0];
    if (heir !== undefined) this.#changeRole(heir, "host");
  }

  #changeRole(participant: Participant, role: ParticipantRole): void {
    participant.role = role;
    this.#tellChanged(participant);
    this.#picture({ only: participant.id }, { type: "knocking", knocking: this.knockingFor(role) });
  }

  #turnAway(code: SignalingErrorCode): void {
    for (const id of this.#knocking.keys()) this.#outputs.push({ type: "denied", id, code });
    this.#knocking.clear();
  }

  #hostCount(): number {
    let count = 0;
    for (const participant of this.#participants.values()) if (participant.role === "host") count++;
    return count;
  }

  #isRemoved(subject: string): boolean {
    for (const removed of this.#removed.values()) if (removed.subject === subject) return true;
    return false;
  }

  #tellChanged(participant: Participant, to: Audience = "all"): void {
    this.#picture(to, { type: "participantChanged", participant: participantInfo(participant) });
  }

  #tellRoomChanged(): void {
    this.#picture("all", { type: "roomChanged", room: this.info });
  }

  #tellHostsWhoKnocks(): void {
    this.#picture("hosts", { type: "knocking", knocking: this.knockingFor("host") });
  }

  #picture(to: Audience, message: PictureMessage): void {
    this.#outputs.push({ type: "picture", to, message });
  }
}
