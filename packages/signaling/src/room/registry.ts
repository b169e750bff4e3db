import { type AskId, type Millis, Queue } from "@naru/webrtc/sansio";
import {
  type ClientMessage,
  type Envelope,
  type ErrorMessage,
  type IceServersMessage,
  type JoinedMessage,
  type JoinMessage,
  type LobbyMessage,
  type ParticipantId,
  PROTOCOL_VERSION,
  type ResumeMessage,
  type SignalingErrorCode,
} from "../protocol/index.ts";
import type { Connection, PreparingState } from "./connection.ts";
import { ConnectionTable, SWEEP_GROUPS } from "./connection-table.ts";
import { Delivery } from "./delivery.ts";
import { isResumable, Outbox } from "./outbox.ts";
import type { Newcomer, Participant } from "./participant.ts";
import type {
  ConnectionId,
  IceServers,
  RegistryEnvironment,
  RegistryEvent,
  RegistryOptions,
  RegistrySnapshot,
  RegistryStats,
  RegistryTransmit,
  TokenAnswer,
} from "./registry-types.ts";
import { type LeaveReason, type ReliableMessage, Room } from "./room.ts";
import { SaveState } from "./save-state.ts";
import { createParticipantId, createSessionSecret, equalHashes, parseSession } from "./secrets.ts";
import { AttemptLimiter } from "./token-bucket.ts";

/** A message of a type this version does not know: ignored, but its number counts. */
export interface UnknownMessage {
  readonly type: "unknown";
}

/** What a client may send, in its envelope. */
export type IncomingMessage = (ClientMessage | UnknownMessage) & Envelope;

/** A group's turn at most. Every connection is looked at once a second; acknowledgements wait no longer than this. */
const MAX_SWEEP_INTERVAL_MS = 100;
/** A connection is looked at this often within a heartbeat, so that it is pinged before it is given up. */
const LOOKS_PER_HEARTBEAT = 3;
/** A timer this late means that the process stood still, and that silence says nothing about the clients. */
const STALL_MS = 1_000;
/** Far more than one turn can cause; the driver drains after every turn. */
const MAX_EVENTS = 1 << 16;

/**
 * All rooms of a server, and who is connected to them: a core in the shape of the stack's, with connections named
 * by number instead of sockets. Feed it with `handle*`; then drain {@link pollTransmit} and {@link pollEvent}.
 *
 * There is one deadline for everything: a sweep that looks at a tenth of the connections every 100 ms. Deadlines
 * here are seconds long and move with every message, so looking is cheaper than moving entries in a wheel.
 */
export class RoomRegistry {
  readonly #options: RegistryOptions;
  readonly #environment: RegistryEnvironment;
  readonly #outbox = new Outbox();
  readonly #connections = new ConnectionTable();
  readonly #saves = new SaveState();
  readonly #events = new Queue<RegistryEvent>(MAX_EVENTS);
  readonly #rooms = new Map<string, Room>();
  /** The room of each participant, removed ones included as long as the room remembers them. */
  readonly #roomOf = new Map<ParticipantId, Room>();
  /** When those who lost their connection lose their place; in that order, as the grace is the same for all. */
  readonly #reconnecting = new Map<ParticipantId, Millis>();
  readonly #asks = new Map<AskId, Connection>();
  readonly #attempts: AttemptLimiter;
  readonly #sweepIntervalMs: Millis;
  readonly #delivery: Delivery;
  #nextAsk: AskId = 1;
  #nextSweepAt: Millis = Number.POSITIVE_INFINITY;
  #isDraining = false;
  #participantCount = 0;
  #knockingCount = 0;
  #messagesReceived = 0;
  #joins = 0;
  #resumes = 0;
  #duplicates = 0;

  constructor(options: RegistryOptions, environment: RegistryEnvironment) {
    this.#options = options;
    this.#environment = environment;
    this.#attempts = new AttemptLimiter(options.attempts);
    this.#delivery = new Delivery(this.#connections, this.#outbox, this.#saves, options.isDurable);
    this.#sweepIntervalMs = Math.min(
      MAX_SWEEP_INTERVAL_MS,
      options.heartbeatIntervalMs / (SWEEP_GROUPS * LOOKS_PER_HEARTBEAT),
    );
  }

  // -------------------------------------------------------------------------------------------------------------
  // Commands

  /**
   * Brings back the rooms of an earlier server. Everybody in them is reconnecting and has the whole grace to resume.
   *
   * @throws {RangeError} when there are rooms already.
   */
  restore(snapshot: RegistrySnapshot, now: Millis): void {
    if (this.#rooms.size > 0) {
      throw new RangeError(`rooms are restored before any exists; there are ${this.#rooms.size}`);
    }
    for (const data of snapshot.rooms) {
      if (data.participants.length === 0) continue;
      const room = new Room(data.name, this.#options, data);
      this.#rooms.set(data.name, room);
      this.#participantCount += room.participants.size;
      for (const id of room.removed.keys()) this.#roomOf.set(id, room);
      for (const id of room.participants.keys()) {
        this.#roomOf.set(id, room);
        this.#reconnecting.set(id, now + this.#options.resumeGraceMs);
      }
    }
    this.#armSweep(now);
  }

  /** Takes the state for saving. When that is done, successfully or not, call {@link handleSaved} with the revision. */
  beginSave(): { readonly revision: number; readonly snapshot: RegistrySnapshot } {
    this.#saves.capture();
    return { revision: this.#saves.revision, snapshot: this.snapshot() };
  }

  /** Tells every client that the server is closing. Everybody may resume, here or at the server that comes next. */
  drain(): void {
    this.#isDraining = true;
    for (const connection of this.#connections.all()) {
      this.#fatal(connection, "SERVER_CLOSING", "the server is closing; connect again", 0);
    }
  }

  // -------------------------------------------------------------------------------------------------------------
  // From below

  /** A connection came. */
  handleOpen(id: ConnectionId, address: string, now: Millis): void {
    const connection = this.#connections.open(id, address, now);
    this.#armSweep(now);
    if (this.#isDraining)
      this.#fatal(connection, "SERVER_CLOSING", "the server is closing; connect again", now);
  }

  /** A connection is gone. */
  handleClosed(id: ConnectionId, now: Millis): void {
    const connection = this.#connections.get(id);
    if (connection !== undefined) this.#detach(connection, now);
  }

  /** Something came that is no message: an answer to a ping. */
  handleHeard(id: ConnectionId, now: Millis): void {
    const connection = this.#connections.get(id);
    if (connection !== undefined) connection.heardAt = now;
  }

  /** A connection broke a rule below the messages (not JSON, too large, too many): it ends, and its session too. */
  handleViolation(id: ConnectionId, code: SignalingErrorCode, message: string, now: Millis): void {
    const connection = this.#connections.get(id);
    if (connection !== undefined) this.#fatal(connection, code, message, now);
  }

  /** A message came. Messages of connections that are gone are ignored. */
  handleMessage(id: ConnectionId, message: IncomingMessage, now: Millis): void {
    const connection = this.#connections.get(id);
    if (connection === undefined) return;
    connection.heardAt = now;
    this.#messagesReceived++;
    if (message.type === "ping") {
      this.#outbox.send(connection.id, '{"type":"pong"}');
      return;
    }
    const { state } = connection;
    switch (state.phase) {
      case "open":
        this.#handleFirst(connection, message, now);
        return;
      case "asking":
      case "lobby":
        this.#handleWaiting(connection, message, now);
        return;
      case "preparing":
      case "joined":
        this.#handleJoined(connection, state.room, state.participant, message, now);
        return;
      default:
        state satisfies never;
    }
  }

  /** Answers `verifyToken`. */
  handleToken(ask: AskId, answer: TokenAnswer, now: Millis): void {
    const connection = this.#asks.get(ask);
    if (connection === undefined) return;
    this.#asks.delete(ask);
    const { state } = connection;
    if (state.phase !== "asking" || state.ask !== ask) return;
    if (!answer.isValid) {
      this.#fatal(connection, "TOKEN_INVALID", answer.reason, now);
      return;
    }
    this.#admit(connection, state.join, answer, now);
  }

  /** Answers `iceServers`. */
  handleIceServers(ask: AskId, iceServers: IceServers): void {
    const connection = this.#asks.get(ask);
    if (connection === undefined) return;
    this.#asks.delete(ask);
    const { state } = connection;
    if (state.phase === "joined" && this.#connections.get(connection.id) === connection) {
      const message: IceServersMessage = { type: "iceServers", iceServers };
      this.#outbox.send(connection.id, JSON.stringify(message));
      return;
    }
    if (state.phase !== "preparing" || state.ask !== ask) return;
    state.iceServers = iceServers;
    this.#finishJoin(connection, state);
  }

  /** The save begun at `revision` is over. */
  handleSaved(revision: number): void {
    if (!this.#saves.handleSaved(revision)) return;
    for (const connection of this.#connections.preparing()) {
      if (connection.state.phase === "preparing") this.#finishJoin(connection, connection.state);
    }
  }

  /** Looks at the connections whose turn it is, sends acknowledgements, ends what has waited too long. */
  handleTimeout(now: Millis): void {
    if (now < this.#nextSweepAt) return;
    const late = now - this.#nextSweepAt;
    if (late >= STALL_MS) this.#forgive(late, now);
    this.#nextSweepAt = Number.POSITIVE_INFINITY;
    this.#armSweep(now);
    this.#delivery.sendAcks();
    for (const connection of this.#connections.nextGroup()) this.#check(connection, now);
    this.#expireReconnecting(now);
  }

  // -------------------------------------------------------------------------------------------------------------
  // Outputs

  /** The next thing to send, or undefined. */
  pollTransmit(): RegistryTransmit | undefined {
    return this.#outbox.poll();
  }

  /** The next question or news, or undefined. */
  pollEvent(): RegistryEvent | undefined {
    return this.#events.shift();
  }

  /** When {@link handleTimeout} must next run. */
  pollTimeout(): Millis {
    return this.#nextSweepAt;
  }

  // -------------------------------------------------------------------------------------------------------------
  // State

  /** Rises with every change that should be saved. */
  get revision(): number {
    return this.#saves.revision;
  }

  /** All rooms as data. Rooms that did not change since the last time are the same objects as then. */
  snapshot(): RegistrySnapshot {
    return this.#saves.snapshot(this.#rooms.values());
  }

  /** Figures for operators. */
  get stats(): RegistryStats {
    return {
      connections: this.#connections.size,
      rooms: this.#rooms.size,
      participants: this.#participantCount,
      reconnecting: this.#reconnecting.size,
      knocking: this.#knockingCount,
      messagesReceived: this.#messagesReceived,
      messagesSent: this.#outbox.messages,
      joins: this.#joins,
      resumes: this.#resumes,
      duplicates: this.#duplicates,
      refusals: this.#outbox.refusals,
    };
  }

  // -------------------------------------------------------------------------------------------------------------
  // Joining and resuming

  #handleFirst(connection: Connection, message: IncomingMessage, now: Millis): void {
    if (message.type === "unknown") return;
    if (message.type !== "join" && message.type !== "resume") {
      this.#fatal(connection, "BAD_STATE", `expected join or resume first, got ${message.type}`, now);
      return;
    }
    if (message.version !== PROTOCOL_VERSION) {
      const problem = `this server speaks version ${PROTOCOL_VERSION}, the client ${message.version}`;
      this.#fatal(connection, "VERSION_UNSUPPORTED", problem, now);
      return;
    }
    if (message.type === "resume") {
      this.#resume(connection, message, now);
      return;
    }
    if (!this.#attempts.attempt(connection.address, now)) {
      this.#fatal(connection, "TOO_MANY_ATTEMPTS", "too many joins from this address; wait", now);
      return;
    }
    const { tokens } = this.#options;
    if (tokens === "ignored" || (tokens === "optional" && message.token === undefined)) {
      this.#admit(connection, message, undefined, now);
      return;
    }
    if (message.token === undefined) {
      this.#fatal(connection, "TOKEN_INVALID", "this server requires a join token", now);
      return;
    }
    const ask = this.#ask(connection);
    this.#connections.move(connection, { phase: "asking", ask, join: message });
    this.#events.push({ type: "verifyToken", id: ask, token: message.token, room: message.room });
  }

  #admit(
    connection: Connection,
    join: JoinMessage,
    grants: Extract<TokenAnswer, { isValid: true }> | undefined,
    now: Millis,
  ): void {
    if (this.#participantCount + this.#knockingCount >= this.#options.maxTotalParticipants) {
      this.#fatal(connection, "SERVER_FULL", "the server has as many participants as it may", now);
      return;
    }
    let room = this.#rooms.get(join.room);
    if (room === undefined) {
      if (this.#rooms.size >= this.#options.maxRooms) {
        this.#fatal(connection, "SERVER_FULL", "the server has as many rooms as it may", now);
        return;
      }
      room = new Room(join.room, this.#options);
    }
    const newcomer: Newcomer = {
      id: createParticipantId(this.#environment.random),
      name: grants?.name ?? join.name,
      state: join.state ?? {},
      role: grants?.role,
      subject: grants?.subject,
    };
    const admission = room.admission(newcomer);
    if (admission === "join") {
      this.#rooms.set(room.name, room);
      this.#place(connection, room, newcomer);
      this.#drain(room, now);
      return;
    }
    if (admission !== "knock") {
      this.#fatal(connection, admission, admissionProblem(admission), now);
      return;
    }
    this.#connections.move(connection, { phase: "lobby", room, id: newcomer.id });
    this.#knockingCount++;
    const lobby: LobbyMessage = { type: "lobby", room: room.name };
    this.#outbox.send(connection.id, JSON.stringify(lobby));
    room.knock(newcomer);
    this.#drain(room, now);
  }

  #place(connection: Connection, room: Room, newcomer: Newcomer): void {
    const { random, crypto, log } = this.#environment;
    const { session, hash } = createSessionSecret(newcomer.id, random, crypto);
    const participant = room.join(newcomer, hash);
    this.#roomOf.set(participant.id, room);
    this.#participantCount++;
    this.#joins++;
    this.#saves.changed(room);
    log.info("participant joined", { room: room.name, participant: participant.id });
    this.#prepare(connection, room, participant, session, false);
  }

  #resume(connection: Connection, message: ResumeMessage, now: Millis): void {
    const claim = parseSession(message.session, this.#environment.crypto);
    const room = claim === undefined ? undefined : this.#roomOf.get(claim.id);
    if (claim === undefined || room === undefined) {
      this.#refuseResume(connection, now);
      return;
    }
    const participant = room.participants.get(claim.id);
    if (participant === undefined) {
      const removed = room.removed.get(claim.id);
      if (removed !== undefined && equalHashes(removed.secretHash, claim.hash)) {
        this.#fatal(connection, "REMOVED", "a host removed this participant", now);
        return;
      }
      this.#refuseResume(connection, now);
      return;
    }
    if (!equalHashes(participant.session.secretHash, claim.hash)) {
      this.#refuseResume(connection, now);
      return;
    }
    if (!participant.session.mayResume(now)) {
      this.#fatal(connection, "TOO_MANY_ATTEMPTS", "this session is resumed too often; wait", now);
      return;
    }
    const older = this.#connections.of(participant.id);
    if (older !== undefined) this.#fatal(older, "REPLACED", "this session was resumed elsewhere", now);
    this.#reconnecting.delete(participant.id);
    if (!participant.session.resume(message.received)) {
      room.leave(participant.id, "connectionLost");
      this.#drain(room, now);
      this.#fatal(connection, "SESSION_UNKNOWN", "`received` is above what was ever sent", now);
      return;
    }
    this.#resumes++;
    // After a restart the log has been given other numbers.
    this.#saves.changed(room);
    this.#prepare(connection, room, participant, message.session, true);
    room.setPresence(participant, "present");
    this.#drain(room, now);
  }

  #refuseResume(connection: Connection, now: Millis): void {
    if (!this.#attempts.attempt(connection.address, now)) {
      this.#fatal(connection, "TOO_MANY_ATTEMPTS", "too many attempts from this address; wait", now);
      return;
    }
    this.#fatal(connection, "SESSION_UNKNOWN", "the session is unknown or over; join again", now);
  }

  #prepare(
    connection: Connection,
    room: Room,
    participant: Participant,
    session: string,
    isResumed: boolean,
  ): void {
    const ask = this.#ask(connection);
    this.#connections.move(connection, {
      phase: "preparing",
      room,
      participant,
      ask,
      session,
      isResumed,
      // A resumed session was saved when it was first joined.
      revision: isResumed || !this.#options.isDurable ? 0 : this.#saves.revision,
      iceServers: undefined,
    });
    this.#askIceServers(connection, room, participant, ask);
  }

  #askIceServers(connection: Connection, room: Room, participant: Participant, id: AskId): void {
    this.#events.push({
      type: "iceServers",
      id,
      connection: connection.id,
      room: room.name,
      participant: participant.id,
    });
  }

  #finishJoin(connection: Connection, state: PreparingState): void {
    if (state.iceServers === undefined || state.revision > this.#saves.savedRevision) return;
    const { room, participant } = state;
    this.#connections.move(connection, { phase: "joined", room, participant });
    const joined: JoinedMessage = {
      type: "joined",
      self: participant.id,
      session: state.session,
      room: room.info,
      participants: room.participantInfos,
      knocking: room.knockingFor(participant.role),
      iceServers: state.iceServers,
      resumed: state.isResumed,
      received: participant.session.durable,
    };
    this.#outbox.send(connection.id, JSON.stringify(joined));
    this.#delivery.repeat(participant);
  }

  // -------------------------------------------------------------------------------------------------------------
  // Messages

  #handleWaiting(connection: Connection, message: IncomingMessage, now: Millis): void {
    if (message.type === "ack" || message.type === "unknown") return;
    if (message.type === "leave") {
      this.#farewell(connection, now);
      return;
    }
    this.#fatal(connection, "BAD_STATE", `${message.type} is not allowed before joined`, now);
  }

  #handleJoined(
    connection: Connection,
    room: Room,
    participant: Participant,
    message: IncomingMessage,
    now: Millis,
  ): void {
    const { session } = participant;
    if (message.ack !== undefined && !session.handleAck(message.ack)) {
      this.#fatal(connection, "BAD_MESSAGE", "`ack` is above what was ever sent", now);
      return;
    }
    if (message.seq !== undefined) {
      const arrival = session.handleSeq(message.seq);
      if (arrival === "gap") {
        this.#fatal(connection, "SESSION_UNKNOWN", "messages before this `seq` are lost; join again", now);
        return;
      }
      this.#delivery.received(room, participant);
      if (arrival === "duplicate") {
        this.#duplicates++;
        return;
      }
    }
    switch (message.type) {
      case "join":
      case "resume":
        this.#fatal(connection, "BAD_STATE", `${message.type} is only allowed as the first message`, now);
        return;
      case "signal": {
        const code = room.signal(participant, message.to, message.signal, message.seq);
        if (code !== undefined) this.#refuse(room, participant, code, message.to);
        break;
      }
      case "state":
        room.setState(participant, message.state);
        this.#saves.changed(room);
        break;
      case "moderate": {
        const code = room.moderate(participant, message);
        if (code !== undefined) this.#refuse(room, participant, code, message.action);
        this.#saves.changed(room);
        break;
      }
      case "report":
        this.#events.push({ type: "report", room: room.name, participant: participant.id, report: message });
        return;
      case "leave":
        this.#farewell(connection, now);
        return;
      case "ping":
      case "ack":
      case "unknown":
        return;
      default:
        message satisfies never;
    }
    this.#drain(room, now);
  }

  #refuse(room: Room, to: Participant, code: SignalingErrorCode, what: string): void {
    const message: ErrorMessage = { type: "error", code, message: `refused: ${what}`, fatal: false };
    this.#outbox.count(code);
    this.#deliver(room, to, message);
  }

  /** Carries out what a room wants done, until it wants nothing more. */
  #drain(room: Room, now: Millis): void {
    for (let output = room.pollOutput(); output !== undefined; output = room.pollOutput()) {
      switch (output.type) {
        case "picture":
          this.#delivery.broadcast(room, output.to, JSON.stringify(output.message));
          break;
        case "reliable": {
          const participant = room.participants.get(output.to);
          if (participant !== undefined) this.#deliver(room, participant, output.message);
          break;
        }
        case "admitted": {
          const connection = this.#connections.of(output.newcomer.id);
          this.#knockingCount--;
          if (connection !== undefined) this.#place(connection, room, output.newcomer);
          break;
        }
        case "denied": {
          const connection = this.#connections.of(output.id);
          this.#knockingCount--;
          if (connection !== undefined) {
            this.#connections.move(connection, { phase: "open" });
            this.#fatal(connection, output.code, admissionProblem(output.code), now);
          }
          break;
        }
        case "forgotten":
          this.#roomOf.delete(output.id);
          break;
        case "left":
          this.#left(room, output.participant, output.reason);
          break;
        default:
          output satisfies never;
      }
    }
    if (room.participants.size === 0) this.#removeRoom(room);
  }

  /** Delivers; whoever has made that impossible is expelled, until it is possible. */
  #deliver(room: Room, to: Participant, message: ReliableMessage): void {
    for (;;) {
      const result = this.#delivery.deliver(room, to, message);
      if (typeof result === "number") return;
      const { culprit } = result;
      if (culprit === undefined || to.session.isDeaf) {
        // Who causes that many refusals without reading one of them sends too much.
        if (message.type === "error")
          this.#expel(room, to, "RATE_LIMITED", "too many messages that were refused");
        else this.#expel(room, to, "SESSION_UNKNOWN", "too many messages wait to be received; join again");
        return;
      }
      // Each turn takes all messages of one sender out of the log: this ends.
      to.session.withdraw(culprit);
      const sender = room.participants.get(culprit);
      if (sender !== undefined)
        this.#expel(room, sender, "RATE_LIMITED", "too many messages to one participant");
      if (message.type !== "error" && message.from === culprit) return;
    }
  }

  // -------------------------------------------------------------------------------------------------------------
  // Endings

  /** Ends a session whose delivery cannot be kept exact. The room is drained by the caller. */
  #expel(room: Room, participant: Participant, code: SignalingErrorCode, problem: string): void {
    const connection = this.#connections.of(participant.id);
    if (connection !== undefined) {
      this.#outbox.refuse(connection.id, code, problem);
      this.#forget(connection);
    }
    room.leave(participant.id, "connectionLost");
  }

  #farewell(connection: Connection, now: Millis): void {
    this.#outbox.close(connection.id);
    this.#end(connection, "left", now);
  }

  /** Says why, closes, and ends the session unless the code lets it go on. */
  #fatal(connection: Connection, code: SignalingErrorCode, message: string, now: Millis): void {
    if (this.#connections.get(connection.id) === undefined) return;
    this.#outbox.refuse(connection.id, code, message);
    if (isResumable(code)) {
      this.#detach(connection, now);
      return;
    }
    if (code === "REPLACED") {
      this.#forget(connection);
      return;
    }
    this.#end(connection, "connectionLost", now);
  }

  /** The connection is over; the participant keeps its place for a while. */
  #detach(connection: Connection, now: Millis): void {
    const { state } = connection;
    this.#forget(connection);
    if (state.phase === "lobby") {
      this.#withdraw(state.room, state.id, now);
      return;
    }
    if (state.phase !== "preparing" && state.phase !== "joined") return;
    const { room, participant } = state;
    if (state.phase === "preparing" && !state.isResumed) {
      // The client was never told its secret: nobody can come back, and an empty seat must not be host.
      room.leave(participant.id, "connectionLost");
      this.#drain(room, now);
      return;
    }
    this.#reconnecting.delete(participant.id);
    this.#reconnecting.set(participant.id, now + this.#options.resumeGraceMs);
    if (this.#isDraining) return;
    room.setPresence(participant, "reconnecting");
    this.#drain(room, now);
  }

  /** The connection and its session are over. */
  #end(connection: Connection, reason: LeaveReason, now: Millis): void {
    const { state } = connection;
    this.#forget(connection);
    if (state.phase === "lobby") {
      this.#withdraw(state.room, state.id, now);
      return;
    }
    if (state.phase !== "preparing" && state.phase !== "joined") return;
    state.room.leave(state.participant.id, reason);
    this.#drain(state.room, now);
  }

  #withdraw(room: Room, id: ParticipantId, now: Millis): void {
    this.#knockingCount--;
    room.withdraw(id);
    this.#drain(room, now);
  }

  /** Forgets a connection, and nothing else. */
  #forget(connection: Connection): void {
    const { state } = connection;
    this.#connections.forget(connection);
    if (state.phase === "asking" || state.phase === "preparing") this.#asks.delete(state.ask);
  }

  /** A participant is out of its room for good. */
  #left(room: Room, participant: Participant, reason: LeaveReason): void {
    const { id } = participant;
    this.#participantCount--;
    this.#reconnecting.delete(id);
    this.#delivery.forget(participant);
    if (!room.removed.has(id)) this.#roomOf.delete(id);
    this.#saves.changed(room);
    this.#events.push({ type: "left", room: room.name, participant: id });
    this.#environment.log.info("participant left", { room: room.name, participant: id, reason });
    const connection = this.#connections.of(id);
    if (connection === undefined) return;
    // Only a removal takes somebody out whose connection is still there.
    this.#outbox.refuse(connection.id, "REMOVED", "a host removed this participant");
    this.#forget(connection);
  }

  #removeRoom(room: Room): void {
    if (this.#rooms.get(room.name) !== room) return;
    this.#rooms.delete(room.name);
    this.#saves.changed(room);
    for (const id of room.removed.keys()) this.#roomOf.delete(id);
  }

  // -------------------------------------------------------------------------------------------------------------
  // The sweep

  #check(connection: Connection, now: Millis): void {
    const { heartbeatIntervalMs, heartbeatTimeoutMs, joinTimeoutMs, iceServersRefreshMs } = this.#options;
    const silence = now - connection.heardAt;
    if (silence >= heartbeatTimeoutMs) {
      this.#fatal(connection, "HEARTBEAT_TIMEOUT", `nothing was heard for ${Math.round(silence)} ms`, now);
      return;
    }
    if (connection.state.phase === "open" && now - connection.openedAt >= joinTimeoutMs) {
      this.#fatal(connection, "BAD_STATE", `expected join or resume within ${joinTimeoutMs} ms`, now);
      return;
    }
    const { state } = connection;
    if (state.phase === "joined") state.participant.session.look();
    if (state.phase === "joined" && now - connection.iceServersAt >= iceServersRefreshMs) {
      connection.iceServersAt = now;
      this.#askIceServers(connection, state.room, state.participant, this.#ask(connection));
    }
    if (silence >= heartbeatIntervalMs && now - connection.pingedAt >= heartbeatIntervalMs) {
      connection.pingedAt = now;
      this.#outbox.ping(connection.id);
    }
  }

  #expireReconnecting(now: Millis): void {
    if (this.#isDraining) return;
    for (const [id, deadline] of this.#reconnecting) {
      if (deadline > now) return;
      this.#reconnecting.delete(id);
      const room = this.#roomOf.get(id);
      if (room === undefined) continue;
      room.leave(id, "connectionLost");
      this.#drain(room, now);
    }
  }

  #forgive(late: Millis, now: Millis): void {
    this.#connections.forgive(late, now);
    for (const [id, deadline] of this.#reconnecting) this.#reconnecting.set(id, deadline + late);
  }

  #armSweep(now: Millis): void {
    if (this.#nextSweepAt !== Number.POSITIVE_INFINITY) return;
    if (this.#connections.size === 0 && this.#reconnecting.size === 0) return;
    this.#nextSweepAt = now + this.#sweepIntervalMs;
  }

  // -------------------------------------------------------------------------------------------------------------

  #ask(connection: Connection): AskId {
    const ask = this.#nextAsk++;
    this.#asks.set(ask, connection);
    return ask;
  }
}

function admissionProblem(code: SignalingErrorCode): string {
  switch (code) {
    case "ROOM_LOCKED":
      return "a host locked the room";
    case "ROOM_FULL":
      return "the room has as many participants as it may";
    case "REMOVED":
      return "a host removed this participant from the room";
    default:
      return "no host let this participant in";
  }
}
