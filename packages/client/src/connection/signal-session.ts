import {
  CLOSE_CODE_REFUSED,
  type ClientMessage,
  type Envelope,
  type ErrorMessage,
  HEARTBEAT_INTERVAL_MS,
  HEARTBEAT_TIMEOUT_MS,
  type JoinedMessage,
  type JoinMessage,
  type LobbyMessage,
  PROTOCOL_VERSION,
  type ServerMessage,
  type SignalingErrorCode,
} from "@naru/signaling/protocol";
import { type LogFields, type Logger, type Millis, Queue, TimerTable } from "@naru/webrtc/sansio";
import { isSignalingErrorCode } from "../errors.ts";
import { backoffDelayMs } from "./backoff.ts";
import { ReliableDelivery } from "./reliable-delivery.ts";
import { parseServerMessage, type ReceivedMessage } from "./server-message.ts";

/** What a session needs to join. */
export interface SignalSessionOptions {
  readonly join: () => Omit<JoinMessage, "type" | "version">;
  /** How long the first connection may take. */
  readonly connectTimeoutMs: Millis;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
}

/** Messages that the session keeps to itself. */
type OwnMessage = JoinedMessage | LobbyMessage | ErrorMessage | { readonly type: "pong" | "ack" };

/** A message for the room. */
export type RoomMessage = Exclude<ServerMessage, OwnMessage>;

/** A message that survives reconnections. */
export type ReliableMessage = Exclude<ClientMessage, { readonly type: "join" | "resume" | "ping" | "ack" }>;

export type SignalSessionState = "idle" | "connecting" | "lobby" | "connected" | "reconnecting" | "closed";

export type SignalSessionEvent =
  /** The driver opens a new socket, and answers by `handleOpen` or `handleClose`. */
  | { readonly type: "openSocket" }
  /** The driver closes the socket it has; no `handleClose` is expected. */
  | { readonly type: "closeSocket" }
  | { readonly type: "stateChange"; readonly state: SignalSessionState }
  | { readonly type: "joined"; readonly message: JoinedMessage }
  | { readonly type: "message"; readonly message: RoomMessage }
  | { readonly type: "retryScheduled"; readonly attempt: number; readonly retryInMs: Millis }
  /** The server refused something and stays. */
  | { readonly type: "refused"; readonly error: ErrorMessage }
  /** It is over. */
  | { readonly type: "closed"; readonly code: ClosedCode; readonly message: string };

/** Why a session is over. */
export type ClosedCode = SignalingErrorCode | "LEFT" | "SERVER_UNREACHABLE";

/** Fatal errors after which the same session goes on over a new connection. */
const RESUMABLE: ReadonlySet<string> = new Set(["SERVER_CLOSING", "HEARTBEAT_TIMEOUT"]);
/** After these the place in the room is gone, and another may be had at once. */
const REJOINABLE: ReadonlySet<string> = new Set(["SESSION_UNKNOWN", "RATE_LIMITED"]);
/** Refusals that pass: final for who wants in, and waited for by who was in. */
const PASSING: ReadonlySet<string> = new Set(["TOO_MANY_ATTEMPTS", "SERVER_FULL"]);

/** How long one attempt to connect may take: name, TCP, TLS, upgrade, join. */
const ATTEMPT_TIMEOUT_MS = 8_000;
/** An acknowledgement waits this long for a message that carries it. */
const ACK_DELAY_MS = 250;
/** After a change of network an answer is due sooner: the old path is probably dead. */
const PROBE_TIMEOUT_MS = 2_500;
/** A connection that lasted this long was good: the next loss starts at the shortest pause again. */
const STABLE_AFTER_MS = 5_000;
/** More than the server sends in one turn; events wait only until the driver drains them. */
const MAX_EVENTS = 8_192;

type Timer = "retry" | "attempt" | "ping" | "silence" | "ack" | "giveUp" | "stable";

/**
 * The client's end of a signaling session: joins, resumes, notices a dead server, comes back with growing pauses,
 * and delivers every message exactly once. Pure: sockets, clock and chance are outside.
 */
export class SignalSession {
  readonly #options: SignalSessionOptions;
  readonly #delivery: ReliableDelivery = new ReliableDelivery();
  readonly #timers: TimerTable<Timer> = new TimerTable([
    "giveUp",
    "attempt",
    "silence",
    "ping",
    "retry",
    "ack",
    "stable",
  ]);
  readonly #transmits: Queue<string> = new Queue(MAX_EVENTS);
  readonly #events: Queue<SignalSessionEvent> = new Queue(MAX_EVENTS);
  #state: SignalSessionState = "idle";
  /** `open` once the WebSocket is; `live` once `joined` came over it. */
  #socket: "none" | "opening" | "open" | "live" = "none";
  #session: string | undefined;
  #wasJoined = false;
  /** A fatal error with a code of a later version: what follows from it is in the close code. */
  #unknownRefusal: ErrorMessage | undefined;
  #attempt = 0;

  constructor(options: SignalSessionOptions) {
    this.#options = options;
  }

  // Commands

  /** Begins. */
  connect(now: Millis): void {
    this.#setState("connecting");
    this.#timers.set("giveUp", now + this.#options.connectTimeoutMs);
    this.#open(now);
  }

  /**
   * Sends a message as soon as there is a connection, exactly once.
   *
   * @returns False when too much is waiting, or the session is over: it was not taken.
   */
  send(message: ReliableMessage): boolean {
    if (this.#state === "closed") return false;
    const text = this.#delivery.send((seq) =>
      JSON.stringify({ ...message, seq, ack: this.#delivery.received } satisfies ReliableMessage & Envelope),
    );
    if (text === undefined) return false;
    if (this.#socket === "live") this.#transmit(text);
    return true;
  }

  /** Does not wait for the end of the pause; a connection that seems alive has to prove it soon. */
  reconnectNow(now: Millis): void {
    if (this.#timers.deadline("retry") !== Number.POSITIVE_INFINITY) {
      this.#timers.stop("retry");
      this.#open(now);
      return;
    }
    if (this.#socket === "live") this.#ping(now, PROBE_TIMEOUT_MS);
  }

  /** Leaves for good. */
  leave(): void {
    if (this.#state === "closed") return;
    if (this.#socket === "live") this.send({ type: "leave" });
    this.#finish("LEFT", "this participant left");
  }

  // Inputs

  /** The socket is open. */
  handleOpen(now: Millis): void {
    if (this.#socket !== "opening") return;
    this.#socket = "open";
    const { session } = this;
    const first: ClientMessage =
      session === undefined
        ? { type: "join", version: PROTOCOL_VERSION, ...this.#options.join() }
        : { type: "resume", version: PROTOCOL_VERSION, session, received: this.#delivery.received };
    this.#transmit(JSON.stringify(first));
    this.#timers.set("ping", now + HEARTBEAT_INTERVAL_MS);
  }

  /** The socket is closed, or could not be opened. */
  handleClose(code: number, reason: string, now: Millis): void {
    if (this.#socket === "none" || this.#state === "closed") return;
    if (code === CLOSE_CODE_REFUSED) {
      this.#socket = "none";
      const unknown = this.#unknownRefusal;
      // Its error message came before, and ended the session; without one the reason is all there is.
      if (isSignalingErrorCode(reason))
        this.#refuse(reason, `the server closed the connection: ${reason}`, now);
      else if (unknown !== undefined) this.#finish(unknown.code, unknown.message);
      else this.#retry(now);
      return;
    }
    this.#retry(now);
  }

  /** One message of the server. */
  handleMessage(text: string, now: Millis): void {
    if (this.#socket !== "open" && this.#socket !== "live") return;
    this.#timers.stop("silence");
    this.#timers.set("ping", now + HEARTBEAT_INTERVAL_MS);
    const message = parseServerMessage(text);
    if (message === undefined) {
      this.#log("warn", "dropped what is no message of this protocol", { length: text.length });
      return;
    }
    if (message.ack !== undefined) this.#delivery.handleAck(message.ack);
    if (message.seq !== undefined && !this.#admit(message.seq, now)) return;
    if (message.type === "unknown") this.#options.log.debug("ignored a message that cannot be used", {});
    else this.#handle(message, now);
  }

  handleTimeout(now: Millis): void {
    for (let timer = this.#timers.expire(now); timer !== undefined; timer = this.#timers.expire(now)) {
      switch (timer) {
        case "retry":
          this.#open(now);
          break;
        case "attempt":
        case "silence":
          this.#log("warn", "the server does not answer", { timer });
          this.#drop(now);
          break;
        case "ping":
          this.#ping(now, HEARTBEAT_TIMEOUT_MS - HEARTBEAT_INTERVAL_MS);
          break;
        case "ack":
          this.#transmit(JSON.stringify({ type: "ack", ack: this.#delivery.received }));
          break;
        case "stable":
          this.#attempt = 0;
          break;
        case "giveUp":
          this.#finish("SERVER_UNREACHABLE", "the server could not be reached");
          break;
        default:
          timer satisfies never;
      }
    }
  }

  // Outputs

  /** Next text for the socket that is open. */
  pollTransmit(): string | undefined {
    return this.#transmits.shift();
  }

  pollEvent(): SignalSessionEvent | undefined {
    return this.#events.shift();
  }

  pollTimeout(): Millis {
    return this.#timers.next();
  }

  get state(): SignalSessionState {
    return this.#state;
  }

  /** The secret that resumes this session; undefined before the first `joined`. */
  get session(): string | undefined {
    return this.#session;
  }

  // Inside

  #open(now: Millis): void {
    this.#attempt++;
    this.#socket = "opening";
    this.#unknownRefusal = undefined;
    this.#timers.set("attempt", now + ATTEMPT_TIMEOUT_MS);
    this.#emit({ type: "openSocket" });
  }

  /** Counts a reliable message; false when it must not be handled. */
  #admit(seq: number, now: Millis): boolean {
    const arrival = this.#delivery.handleArrival(seq);
    if (arrival === "gap") {
      this.#log("warn", "a message of the server is missing, resuming", { seq });
      this.#drop(now);
      return false;
    }
    if (this.#timers.deadline("ack") === Number.POSITIVE_INFINITY)
      this.#timers.set("ack", now + ACK_DELAY_MS);
    return arrival === "deliver";
  }

  #handle(message: ReceivedMessage, now: Millis): void {
    switch (message.type) {
      case "joined":
        this.#joined(message, now);
        break;
      case "lobby":
        this.#timers.stop("attempt");
        this.#timers.stop("giveUp");
        this.#setState("lobby");
        break;
      case "error":
        this.#handleError(message, now);
        break;
      case "pong":
      case "ack":
        break;
      default:
        this.#emit({ type: "message", message });
    }
  }

  #handleError(error: ErrorMessage, now: Millis): void {
    const code: string = error.code;
    if (!error.fatal) this.#emit({ type: "refused", error });
    else if (isSignalingErrorCode(code)) this.#refuse(code, error.message, now);
    else this.#unknownRefusal = error;
  }

  #joined(message: JoinedMessage, now: Millis): void {
    this.#wasJoined = true;
    this.#timers.stop("attempt");
    this.#timers.stop("giveUp");
    this.#timers.set("stable", now + STABLE_AFTER_MS);
    this.#session = message.session;
    this.#socket = "live";
    if (message.resumed) {
      this.#delivery.handleAck(message.received);
      for (const text of this.#delivery.unacknowledged) this.#transmit(text);
    } else {
      this.#delivery.reset();
    }
    this.#emit({ type: "joined", message });
    this.#setState("connected");
  }

  #refuse(code: SignalingErrorCode, message: string, now: Millis): void {
    if (RESUMABLE.has(code)) {
      this.#drop(now);
      return;
    }
    if (this.#wasJoined && PASSING.has(code)) {
      this.#emit({ type: "closeSocket" });
      this.#retry(now, Number.POSITIVE_INFINITY);
      return;
    }
    if (REJOINABLE.has(code) && this.#session !== undefined) {
      // Too long away, another server, or too much sent: come in as somebody new.
      this.#session = undefined;
      this.#delivery.reset();
      this.#drop(now);
      return;
    }
    this.#finish(code, message);
  }

  #ping(now: Millis, answerWithinMs: Millis): void {
    this.#transmit(JSON.stringify({ type: "ping", ack: this.#delivery.received }));
    const due = now + answerWithinMs;
    if (due < this.#timers.deadline("silence")) this.#timers.set("silence", due);
  }

  #transmit(text: string): void {
    this.#transmits.push(text);
    // Every text carries the newest acknowledgement.
    this.#timers.stop("ack");
  }

  /** Gives the socket up and comes back later. */
  #drop(now: Millis): void {
    this.#emit({ type: "closeSocket" });
    this.#retry(now);
  }

  /** @param growth - The attempt whose pause it is: later ones are longer. */
  #retry(now: Millis, growth: number = Math.max(1, this.#attempt)): void {
    const giveUp = this.#timers.deadline("giveUp");
    this.#timers.stopAll();
    this.#timers.set("giveUp", giveUp);
    this.#transmits.clear();
    this.#socket = "none";
    const retryInMs = backoffDelayMs(growth, this.#options.random());
    this.#timers.set("retry", now + retryInMs);
    if (this.#state === "connected") this.#setState("reconnecting");
    this.#emit({ type: "retryScheduled", attempt: this.#attempt + 1, retryInMs });
  }

  #finish(code: ClosedCode, message: string): void {
    this.#timers.stopAll();
    this.#socket = "none";
    this.#emit({ type: "closeSocket" });
    this.#emit({ type: "closed", code, message });
    this.#setState("closed");
  }

  #setState(state: SignalSessionState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#emit({ type: "stateChange", state });
  }

  #emit(event: SignalSessionEvent): void {
    // Full only if the driver never drains: losing the event is then the smaller evil.
    this.#events.push(event);
  }

  #log(level: "warn", message: string, fields: LogFields): void {
    this.#options.log[level](message, fields);
  }
}
