import type {
  ParticipantId,
  ParticipantInfo,
  ParticipantRole,
  ParticipantState,
  Presence,
} from "../protocol/index.ts";
import type { Session, SessionSnapshot } from "./session.ts";

/** Somebody who wants in: what the join message and the token said. */
export interface Newcomer {
  readonly id: ParticipantId;
  readonly name: string;
  readonly state: ParticipantState;
  /** What the token says; undefined leaves it to the room. */
  readonly role: ParticipantRole | undefined;
  /** Whom the operator's token names, so that a removal holds against a second join. */
  readonly subject: string | undefined;
}

/** Somebody in the room. The room changes it; others read it. */
export interface Participant {
  readonly id: ParticipantId;
  readonly name: string;
  readonly joinOrder: number;
  readonly subject: string | undefined;
  /** False when a token says guest: then only a host makes this one a host, not the departure of others. */
  readonly mayInherit: boolean;
  readonly session: Session;
  role: ParticipantRole;
  presence: Presence;
  state: ParticipantState;
}

/** A participant as it survives the server. */
export interface ParticipantSnapshot {
  readonly id: ParticipantId;
  readonly name: string;
  readonly role: ParticipantRole;
  readonly joinOrder: number;
  readonly state: ParticipantState;
  readonly mayInherit: boolean;
  readonly subject?: string;
  readonly session: SessionSnapshot;
}

/** What the others are told. */
export function participantInfo(participant: Participant): ParticipantInfo {
  const { id, name, role, presence, state, joinOrder } = participant;
  return { id, name, role, presence, state, joinOrder };
}

/** As data, to survive the server. */
export function participantSnapshot(participant: Participant): ParticipantSnapshot {
  const { id, name, role, joinOrder, state, mayInherit, subject, session } = participant;
  const snapshot = { id, name, role, joinOrder, state, mayInherit, session: session.snapshot() };
  return subject === undefined ? snapshot : { ...snapshot, subject };
}
