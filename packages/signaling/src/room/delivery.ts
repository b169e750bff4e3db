import type { ConnectionTable } from "./connection-table.ts";
import type { Outbox } from "./outbox.ts";
import type { Participant } from "./participant.ts";
import type { AppendResult } from "./resume-log.ts";
import type { Audience, ReliableMessage, Room } from "./room.ts";
import type { SaveState } from "./save-state.ts";

/** Brings messages to participants: pictures to those who look, reliable ones to everybody in the end. */
export class Delivery {
  readonly #connections: ConnectionTable;
  readonly #outbox: Outbox;
  readonly #saves: SaveState;
  readonly #isDurable: boolean;
  readonly #ackDue = new Set<Participant>();

  /** @param isDurable - Whether messages are acknowledged after a save only. */
  constructor(connections: ConnectionTable, outbox: Outbox, saves: SaveState, isDurable: boolean) {
    this.#connections = connections;
    this.#outbox = outbox;
    this.#saves = saves;
    this.#isDurable = isDurable;
  }

  /** Sends a picture message: one text for all, to those who have a picture to change. */
  broadcast(room: Room, to: Audience, text: string): void {
    if (typeof to === "object" && "only" in to) {
      this.#picture(to.only, text);
      return;
    }
    for (const participant of room.participants.values()) {
      if (to === "hosts" && participant.role !== "host") continue;
      if (typeof to === "object" && participant.id === to.except) continue;
      this.#picture(participant.id, text);
    }
  }

  /** Keeps a message until it is acknowledged, and sends it now if it can be. */
  deliver(room: Room, to: Participant, message: ReliableMessage): AppendResult {
    const body = JSON.stringify(message);
    const seq = to.session.append(body, message.type === "error" ? undefined : message.from);
    this.#saves.changed(room);
    if (typeof seq !== "number") return seq;
    const connection = this.#connections.joinedOf(to.id);
    if (connection !== undefined) this.#outbox.send(connection.id, to.session.envelope({ seq, body }));
    return seq;
  }

  /** Sends again what a participant may not have. */
  repeat(to: Participant): void {
    const connection = this.#connections.joinedOf(to.id);
    if (connection === undefined) return;
    for (const entry of to.session.unacknowledged) {
      this.#outbox.send(connection.id, to.session.envelope(entry));
    }
  }

  /** A numbered message came: it is to be acknowledged, after a save if there are any. */
  received(room: Room, participant: Participant): void {
    const { session } = participant;
    if (this.#isDurable) {
      this.#saves.received(session);
      this.#saves.changed(room);
    } else {
      session.capture();
      session.commit();
    }
    this.#ackDue.add(participant);
  }

  /** Sends the acknowledgements that no message has carried. */
  sendAcks(): void {
    for (const participant of this.#ackDue) {
      const connection = this.#connections.joinedOf(participant.id);
      const ack = connection === undefined ? undefined : participant.session.takeAck();
      if (connection !== undefined && ack !== undefined) {
        this.#outbox.send(connection.id, `{"type":"ack","ack":${ack}}`);
      }
      // What is not saved yet is acknowledged after the save; what has no connection, by the next `joined`.
      if (!this.#saves.isUnsaved(participant.session)) this.#ackDue.delete(participant);
    }
  }

  /** A participant is out. */
  forget(participant: Participant): void {
    this.#ackDue.delete(participant);
    this.#saves.forget(participant.session);
  }

  #picture(id: Participant["id"], text: string): void {
    const connection = this.#connections.joinedOf(id);
    if (connection !== undefined) this.#outbox.send(connection.id, text);
  }
}
