import { type ChatMessage, MAX_CHAT_LENGTH } from "@naru/client";
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { locale, t } from "../i18n/index.ts";
import type { Meeting } from "../meeting/meeting.ts";
import { formatTime } from "../model/format.ts";
import { HangulEnter } from "../model/hangul-enter.ts";
import { linkify } from "../model/linkify.ts";
import { Icon } from "./icon.tsx";

/** The chat. */
export function ChatPanel({ meeting }: { readonly meeting: Meeting }): JSX.Element {
  const { chat } = t.value;
  const messages = meeting.messages.value;
  const end = useRef<HTMLDivElement>(null);
  useEffect(() => end.current?.scrollIntoView({ block: "end" }), [messages.length]);
  return (
    <div class="panel-body chat">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region has to be reachable by keyboard. */}
      <div class="chat-log" role="log" aria-label={chat.title} aria-live="off" tabIndex={0}>
        {messages.length === 0 && <p class="panel-empty">{chat.empty}</p>}
        {messages.map((message, index) => (
          // Ids are unique for each sender only.
          <Message
            key={`${message.from} ${message.id}`}
            message={message}
            follows={follows(messages[index - 1], message)}
          />
        ))}
        <div ref={end} />
      </div>
      <ChatField meeting={meeting} />
    </div>
  );
}

function Message({
  message,
  follows: same,
}: {
  readonly message: ChatMessage;
  readonly follows: boolean;
}): JSX.Element {
  return (
    <article class="message" data-own={message.own} data-follows={same} data-testid="chat-message">
      {!same && (
        <header>
          <strong>{message.own ? t.value.tile.self(message.name) : message.name}</strong>
          <time dateTime={new Date(message.sentAt).toISOString()}>
            {formatTime(message.sentAt, locale.value)}
          </time>
        </header>
      )}
      <p>
        {linkify(message.text).map((part, index) =>
          part.href === undefined ? (
            part.text
          ) : (
            <a key={`${index}`} href={part.href} target="_blank" rel="noopener noreferrer nofollow">
              {part.text}
            </a>
          ),
        )}
      </p>
    </article>
  );
}

function ChatField({ meeting }: { readonly meeting: Meeting }): JSX.Element {
  const { chat } = t.value;
  const field = useRef<HTMLTextAreaElement>(null);
  const [enter] = useState(() => new HangulEnter());
  const [empty, setEmpty] = useState(true);
  useEffect(() => field.current?.focus(), []);

  function send(): void {
    const textarea = field.current;
    const text = textarea?.value.trim();
    if (textarea === null || text === undefined || text === "") return;
    if (!meeting.sendChat(text)) return;
    textarea.value = "";
    setEmpty(true);
  }

  function onKeyDown(event: KeyboardEvent): void {
    if (event.key !== "Enter" && event.code !== "Enter" && event.code !== "NumpadEnter") {
      // 229 is the input method's own key press, for every letter it takes.
      if (event.keyCode !== 229) enter.handleOtherKey();
      return;
    }
    if (event.shiftKey) return;
    const action = enter.handleEnter(event.isComposing || event.keyCode === 229);
    if (action === "wait") return;
    event.preventDefault();
    if (action === "send") send();
  }

  return (
    <form
      class="chat-form"
      onSubmit={(event) => {
        event.preventDefault();
        send();
        field.current?.focus();
      }}
    >
      <label class="visually-hidden" for="chat-input">
        {chat.label}
      </label>
      <textarea
        ref={field}
        id="chat-input"
        data-testid="chat-input"
        rows={1}
        maxLength={MAX_CHAT_LENGTH}
        placeholder={chat.placeholder}
        enterkeyhint="send"
        onInput={({ currentTarget }) => setEmpty(currentTarget.value.trim() === "")}
        onKeyDown={onKeyDown}
        onCompositionStart={({ data }) => enter.handleComposition(data)}
        onCompositionUpdate={({ data }) => enter.handleComposition(data)}
        onCompositionEnd={() => {
          // The field has the closed syllable only after this event.
          if (enter.handleCompositionEnd()) setTimeout(send);
        }}
      />
      <button type="submit" class="send-button" disabled={empty} aria-label={chat.send} title={chat.send}>
        <Icon name="send" />
      </button>
    </form>
  );
}

/** Whether a message belongs under the head of the one before: same person, within three minutes. */
function follows(before: ChatMessage | undefined, message: ChatMessage): boolean {
  return before?.from === message.from && message.sentAt - before.sentAt < 180_000;
}
