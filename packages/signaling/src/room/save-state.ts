import type { RegistrySnapshot } from "./registry-types.ts";
import type { Room, RoomSnapshot } from "./room.ts";
import type { Session } from "./session.ts";

/** What has changed since it was saved. */
export class SaveState {
  /** Received something that is not saved yet. */
  readonly #unsaved = new Set<Session>();
  /** Of rooms that did not change since. */
  readonly #snapshots = new Map<Room, RoomSnapshot>();
  #revision = 0;
  #savedRevision = 0;

  /** A room is not as it was. */
  changed(room: Room): void {
    this.#revision++;
    this.#snapshots.delete(room);
  }

  /** A session received a message, which may be acknowledged once it is saved. */
  received(session: Session): void {
    this.#unsaved.add(session);
  }

  /** A session is over. */
  forget(session: Session): void {
    this.#unsaved.delete(session);
  }

  /** The state is being taken for saving. */
  capture(): void {
    for (const session of this.#unsaved) session.capture();
  }

  /** The save of `revision` is over; false when a later one was before it. */
  handleSaved(revision: number): boolean {
    if (revision <= this.#savedRevision) return false;
    this.#savedRevision = revision;
    for (const session of this.#unsaved) if (session.commit()) this.#unsaved.delete(session);
    return true;
  }

  /** All rooms as data; those that did not change are the same objects as the last time. */
  snapshot(rooms: Iterable<Room>): RegistrySnapshot {
    const data: RoomSnapshot[] = [];
    for (const room of rooms) {
      let snapshot = this.#snapshots.get(room);
      if (snapshot === undefined) {
        snapshot = room.snapshot();
        this.#snapshots.set(room, snapshot);
      }
      data.push(snapshot);
    }
    return { version: 1, rooms: data };
  }

  isUnsaved(session: Session): boolean {
    return this.#unsaved.has(session);
  }

  /** Rises with every change that should be saved. */
  get revision(): number {
    return this.#revision;
  }

  get savedRevision(): number {
    return this.#savedRevision;
  }
}
