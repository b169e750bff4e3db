import { Queue } from "@naru/webrtc/sansio";
import {
  CLOSE_CODE_REFUSED,
  CLOSE_CODE_RESUMABLE,
  type ErrorMessage,
  type SignalingErrorCode,
} from "../protocol/index.ts";
import type { ConnectionId, RegistryTransmit } from "./registry-types.ts";

/** Far more than one turn can cause; the driver drains after every turn. */
const MAX_OUTPUTS = 1 << 20;

/** RFC 6455 §7.4.1: the purpose of the connection has been fulfilled. */
const CLOSE_CODE_NORMAL = 1_000;

/** After these the session goes on, and may be resumed; all other fatal errors end it. */
const RESUMABLE: ReadonlySet<SignalingErrorCode> = new Set(["SERVER_CLOSING", "HEARTBEAT_TIMEOUT"]);

/** Whether the session may be resumed after a fatal error with this code. */
export function isResumable(code: SignalingErrorCode): boolean {
  return RESUMABLE.has(code);
}

/** What waits to be sent, and the count of it. */
export class Outbox {
  readonly #transmits = new Queue<RegistryTransmit>(MAX_OUTPUTS);
  readonly #refusals = new Map<SignalingErrorCode, number>();
  #messages = 0;

  send(connection: ConnectionId, text: string): void {
    this.#messages++;
    this.#transmits.push({ type: "text", connection, text });
  }

  ping(connection: ConnectionId): void {
    this.#transmits.push({ type: "ping", connection });
  }

  /** Says why, and closes. */
  refuse(connection: ConnectionId, code: SignalingErrorCode, message: string): void {
    const error: ErrorMessage = { type: "error", code, message, fatal: true };
    this.count(code);
    this.send(connection, JSON.stringify(error));
    const closeCode = isResumable(code) ? CLOSE_CODE_RESUMABLE : CLOSE_CODE_REFUSED;
    this.#transmits.push({ type: "close", connection, closeCode, reason: code });
  }

  /** Closes after a farewell of the client. */
  close(connection: ConnectionId): void {
    this.#transmits.push({ type: "close", connection, closeCode: CLOSE_CODE_NORMAL, reason: "left" });
  }

  /** Counts an error, fatal or not. */
  count(code: SignalingErrorCode): void {
    this.#refusals.set(code, (this.#refusals.get(code) ?? 0) + 1);
  }

  poll(): RegistryTransmit | undefined {
    return this.#transmits.shift();
  }

  /** Messages sent since the start. */
  get messages(): number {
    return this.#messages;
  }

  /** Errors sent since the start, by code. */
  get refusals(): ReadonlyMap<SignalingErrorCode, number> {
    return new Map(this.#refusals);
  }
}
