import type { Millis } from "@naru/webrtc/sansio";
import type { ParticipantId } from "../protocol/index.ts";
import type { Connection } from "./connection.ts";
import type { ConnectionId } from "./registry-types.ts";

/** Connections are looked at in this many groups, one after the other, so that pings do not go out all at once. */
export const SWEEP_GROUPS = 10;

/** All connections, by number and by whom they belong to. */
export class ConnectionTable {
  readonly #connections = new Map<ConnectionId, Connection>();
  readonly #groups: readonly Set<Connection>[] = Array.from({ length: SWEEP_GROUPS }, () => new Set());
  /** The connection of each participant and knocker. */
  readonly #attached = new Map<ParticipantId, Connection>();
  readonly #preparing = new Set<Connection>();
  #nextGroup = 0;

  open(id: ConnectionId, address: string, now: Millis): Connection {
    const connection: Connection = {
      id,
      address,
      openedAt: now,
      heardAt: now,
      pingedAt: now,
      iceServersAt: now,
      state: { phase: "open" },
    };
    this.#connections.set(id, connection);
    this.#groups[id % SWEEP_GROUPS]!.add(connection);
    return connection;
  }

  /** Moves a connection to another state, and files it accordingly. */
  move(connection: Connection, state: Connection["state"]): void {
    this.#detach(connection);
    connection.state = state;
    if (state.phase === "lobby") this.#attached.set(state.id, connection);
    if (state.phase === "preparing" || state.phase === "joined") {
      this.#attached.set(state.participant.id, connection);
    }
    if (state.phase === "preparing") this.#preparing.add(connection);
  }

  forget(connection: Connection): void {
    this.#detach(connection);
    this.#connections.delete(connection.id);
    this.#groups[connection.id % SWEEP_GROUPS]!.delete(connection);
  }

  /** The whole process stood still for `lateMs`: silence in that time says nothing about the clients. */
  forgive(lateMs: Millis, now: Millis): void {
    for (const connection of this.#connections.values()) {
      connection.heardAt = Math.min(now, connection.heardAt + lateMs);
    }
  }

  /** The connections whose turn it is to be looked at. */
  nextGroup(): Iterable<Connection> {
    const group = this.#groups[this.#nextGroup]!;
    this.#nextGroup = (this.#nextGroup + 1) % SWEEP_GROUPS;
    return group;
  }

  get(id: ConnectionId): Connection | undefined {
    return this.#connections.get(id);
  }

  /** The connection of a participant or a knocker. */
  of(id: ParticipantId): Connection | undefined {
    return this.#attached.get(id);
  }

  /** The connection of a participant that has been sent `joined`. */
  joinedOf(id: ParticipantId): Connection | undefined {
    const connection = this.#attached.get(id);
    return connection?.state.phase === "joined" ? connection : undefined;
  }

  /** All at this moment: a copy, so that they may go while one looks at them. */
  all(): readonly Connection[] {
    return [...this.#connections.values()];
  }

  /** Those who have a place and no `joined` yet; a copy. */
  preparing(): readonly Connection[] {
    return [...this.#preparing];
  }

  get size(): number {
    return this.#connections.size;
  }

  #detach(connection: Connection): void {
    const { state } = connection;
    this.#preparing.delete(connection);
    if (state.phase === "lobby") this.#attached.delete(state.id);
    if (state.phase === "preparing" || state.phase === "joined") this.#attached.delete(state.participant.id);
  }
}
