import { expect, test } from "vitest";
import { ClientError } from "../errors.ts";
import { ChatLog, chatToControl } from "./chat-log.ts";
import { MAX_CHAT_LENGTH } from "./chat-message.ts";

const MINA = { from: "p1", name: "Mina" };

test("a message goes out and comes in as the same message", () => {
  const [mine, theirs] = [new ChatLog(), new ChatLog()];
  const written = mine.write("안녕", "m1", 123, MINA);
  expect(written.own).toBe(true);
  expect(theirs.receive(chatToControl(written), MINA)).toEqual({ ...written, own: false });
  expect(theirs.receive(chatToControl(written), MINA)).toBeUndefined();
  expect(theirs.messages).toHaveLength(1);
});

test("nobody can take another's message by its id", () => {
  const log = new ChatLog();
  log.receive({ type: "chat", id: "m1", text: "a", sentAt: 1 }, MINA);
  expect(log.receive({ type: "chat", id: "m1", text: "b", sentAt: 1 }, { from: "p2", name: "J" })?.text).toBe(
    "b",
  );
});

test("too long is refused with words when written, and dropped when received", () => {
  const log = new ChatLog();
  const long = "x".repeat(MAX_CHAT_LENGTH + 1);
  expect(() => log.write(long, "m1", 1, MINA)).toThrow(ClientError);
  expect(log.receive({ type: "chat", id: "m1", text: long, sentAt: 1 }, MINA)).toBeUndefined();
  expect(log.receive({ type: "chat", id: 5, text: "x", sentAt: 1 }, MINA)).toBeUndefined();
});

test("a time that no date can hold is refused: showing it would throw", () => {
  const log = new ChatLog();
  for (const sentAt of [1e300, -1e300, 8.64e15 + 1, Number.NaN, Number.POSITIVE_INFINITY, "1"]) {
    expect(log.receive({ type: "chat", id: "m1", text: "x", sentAt }, MINA)).toBeUndefined();
  }
  const last = log.receive({ type: "chat", id: "m1", text: "x", sentAt: 8.64e15 }, MINA);
  expect(new Date(last?.sentAt ?? 0).toISOString()).toBe("+275760-09-13T00:00:00.000Z");
});

test("the newest thousand are kept", () => {
  const log = new ChatLog();
  for (let i = 0; i < 1_200; i++) log.receive({ type: "chat", id: `m${i}`, text: `${i}`, sentAt: i }, MINA);
  expect(log.messages).toHaveLength(1_000);
  expect(log.messages[0]?.text).toBe("200");
});
