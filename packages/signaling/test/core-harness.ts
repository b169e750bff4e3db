import { createHash } from "node:crypto";
import { type Millis, type RandomSource, SILENT_LOGGER } from "@naru/webrtc/sansio";
import type {
  ClientMessage,
  Envelope,
  IceServer,
  JoinedMessage,
  ParticipantId,
  ServerMessage,
} from "../src/protocol/index.ts";
import { type IncomingMessage, RoomRegistry } from "../src/room/registry.ts";
import {
  DEFAULT_REGISTRY_OPTIONS,
  type RegistryEnvironment,
  type RegistryEvent,
  type RegistryOptions,
  type RegistrySnapshot,
} from "../src/room/registry-types.ts";

export type Incoming = ServerMessage & Envelope;

/** Reproducible randomness (an xorshift), good enough for ids in tests. */
export function seededRandom(seed: number): RandomSource {
  let state = seed | 1;
  return {
    fill(target) {
      for (let i = 0; i < target.length; i++) {
        state ^= state << 13;
        state ^= state >>> 17;
        state ^= state << 5;
        target.set([state & 0xff], i);
      }
      return target;
    },
  };
}

export function testEnvironment(seed = 1): RegistryEnvironment {
  return {
    crypto: { sha256: (bytes) => new Uint8Array(createHash("sha256").update(bytes).digest()) },
    random: seededRandom(seed),
    log: SILENT_LOGGER,
  };
}

/** What one connection was sent. */
export interface Wire {
  readonly messages: Incoming[];
  pings: number;
  closed: { readonly code: number; readonly reason: string } | undefined;
}

/** A registry with a clock of its own, drained after every turn. Connections are numbers. */
export class CoreWorld {
  readonly registry: RoomRegistry;
  readonly events: RegistryEvent[] = [];
  /** Participants who have left for good. */
  readonly left: ParticipantId[] = [];
  now: Millis = 1_000;
  iceServers: readonly IceServer[] = [];
  readonly #wires = new Map<number, Wire>();
  #nextConnection = 1;

  constructor(options: Partial<RegistryOptions> = {}, restored?: RegistrySnapshot, seed = 1) {
    this.registry = new RoomRegistry({ ...DEFAULT_REGISTRY_OPTIONS, ...options }, testEnvironment(seed));
    if (restored !== undefined) this.registry.restore(restored, this.now);
  }

  open(address = "10.0.0.1"): number {
    const connection = this.#nextConnection++;
    this.#wires.set(connection, { messages: [], pings: 0, closed: undefined });
    this.registry.handleOpen(connection, address, this.now);
    this.drain();
    return connection;
  }

  send(connection: number, message: IncomingMessage | (ClientMessage & Envelope)): void {
    this.registry.handleMessage(connection, message, this.now);
    this.drain();
  }

  close(connection: number): void {
    this.registry.handleClosed(connection, this.now);
    this.drain();
  }

  /** Lets time pass in steps, running the core's deadlines. Connections in `alive` answer pings. */
  advance(ms: Millis, alive: readonly number[] = []): void {
    const end = this.now + ms;
    while (this.registry.pollTimeout() <= end) {
      this.now = Math.max(this.now, this.registry.pollTimeout());
      for (const connection of alive) this.registry.handleHeard(connection, this.now);
      this.registry.handleTimeout(this.now);
      this.drain();
    }
    this.now = end;
  }

  /** Saves as a store that succeeds at once. */
  save(): RegistrySnapshot {
    const { revision, snapshot } = this.registry.beginSave();
    const copy: RegistrySnapshot = JSON.parse(JSON.stringify(snapshot));
    this.registry.handleSaved(revision);
    this.drain();
    return copy;
  }

  drain(): void {
    for (;;) {
      for (let next = this.registry.pollTransmit(); next !== undefined; next = this.registry.pollTransmit()) {
        const wire = this.wire(next.connection);
        if (next.type === "text") wire.messages.push(JSON.parse(next.text));
        if (next.type === "ping") wire.pings++;
        if (next.type === "close") wire.closed = { code: next.closeCode, reason: next.reason };
      }
      const event = this.registry.pollEvent();
      if (event === undefined) return;
      if (event.type === "iceServers") this.registry.handleIceServers(event.id, this.iceServers);
      else if (event.type === "left") this.left.push(event.participant);
      else this.events.push(event);
    }
  }

  wire(connection: number): Wire {
    const wire = this.#wires.get(connection);
    if (wire === undefined) throw new Error(`there is no connection ${connection}`);
    return wire;
  }

  /** Removes and returns everything a connection was sent. */
  take(connection: number): Incoming[] {
    return this.wire(connection).messages.splice(0);
  }

  /** Takes everything, and returns what has the type. */
  takeOf<T extends Incoming["type"]>(connection: number, type: T): Extract<Incoming, { type: T }>[] {
    return this.take(connection).filter((message): message is Extract<Incoming, { type: T }> => {
      return message.type === type;
    });
  }

  join(room = "r", name = "n", more: { readonly token?: string } = {}, address = "10.0.0.1"): number {
    const connection = this.open(address);
    this.send(connection, { type: "join", version: 1, room, name, ...more });
    return connection;
  }

  /** Joins and answers the connection with its `joined`. */
  joined(room = "r", name = "n"): { readonly connection: number; readonly joined: JoinedMessage } {
    const connection = this.join(room, name);
    return { connection, joined: this.theJoined(connection) };
  }

  resume(session: string, received = 0): number {
    const connection = this.open();
    this.send(connection, { type: "resume", version: 1, session, received });
    return connection;
  }

  theJoined(connection: number): JoinedMessage {
    const index = this.wire(connection).messages.findIndex((message) => message.type === "joined");
    const [message] = index < 0 ? [] : this.wire(connection).messages.splice(index, 1);
    if (message?.type !== "joined") {
      throw new Error(`expected joined, got ${JSON.stringify(this.wire(connection))}`);
    }
    return message;
  }
}
