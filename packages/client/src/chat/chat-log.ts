import type { ParticipantId } from "@naru/signaling/protocol";
import type { ControlMessage } from "../connection/control-link.ts";
import { ClientError } from "../errors.ts";
import { type ChatMessage, MAX_CHAT_LENGTH } from "./chat-message.ts";

/** The newest messages are kept; a page that is open for days does not grow. */
const MAX_MESSAGES = 1_000;
const MAX_ID_LENGTH = 64;
/** What a `Date` can hold (ECMA-262 §21.4.1.1): beyond it, formatting throws wherever the message is shown. */
const MAX_TIME = 8.64e15;

/** Who wrote, and when. */
export interface ChatOrigin {
  readonly from: ParticipantId;
  readonly name: string;
}

/**
 * The chat as this participant saw it: since joining, in order of arrival; messages of one sender are in the order
 * in which they were written. Nobody keeps a history for those who come later.
 */
export class ChatLog {
  #messages: readonly ChatMessage[] = [];

  /**
   * Adds a message of one's own.
   * @throws {ClientError} `CHAT_TOO_LONG`
   */
  write(text: string, id: string, sentAt: number, origin: ChatOrigin): ChatMessage {
    if (text.length > MAX_CHAT_LENGTH) {
      throw new ClientError(
        "CHAT_TOO_LONG",
        `A message may have ${MAX_CHAT_LENGTH} characters, this one has ${text.length}.`,
        "Shorten it, or send it as a file.",
      );
    }
    return this.#add({ id, ...origin, text, sentAt, own: true });
  }

  /** Adds a message that came; undefined when it is none, or was there already. */
  receive(message: ControlMessage, origin: ChatOrigin): ChatMessage | undefined {
    const id = message["id"];
    const text = message["text"];
    const sentAt = message["sentAt"];
    if (typeof id !== "string" || id.length > MAX_ID_LENGTH) return undefined;
    if (typeof text !== "string" || text.length > MAX_CHAT_LENGTH) return undefined;
    if (typeof sentAt !== "number" || !(Math.abs(sentAt) <= MAX_TIME)) return undefined;
    if (this.#messages.some((known) => known.id === id && known.from === origin.from)) return undefined;
    return this.#add({ id, ...origin, text, sentAt, own: false });
  }

  get messages(): readonly ChatMessage[] {
    return this.#messages;
  }

  #add(message: ChatMessage): ChatMessage {
    this.#messages = [...this.#messages, message].slice(-MAX_MESSAGES);
    return message;
  }
}

/** A message as it goes to the others. */
export function chatToControl(message: ChatMessage): ControlMessage {
  return { type: "chat", id: message.id, text: message.text, sentAt: message.sentAt };
}
