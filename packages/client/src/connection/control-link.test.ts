import { SILENT_LOGGER } from "@naru/webrtc/sansio";
import { expect, test } from "vitest";
import { ControlLink } from "./control-link.ts";

function pair(): [ControlLink, ControlLink] {
  return [new ControlLink(SILENT_LOGGER), new ControlLink(SILENT_LOGGER)];
}

/** Moves everything until nothing moves. */
function exchange(a: ControlLink, b: ControlLink): void {
  for (;;) {
    const fromA = a.pollTransmit();
    const fromB = b.pollTransmit();
    if (fromA === undefined && fromB === undefined) return;
    if (fromA !== undefined) b.handleText(fromA);
    if (fromB !== undefined) a.handleText(fromB);
  }
}

function received(link: ControlLink): unknown[] {
  const bodies: unknown[] = [];
  for (let message = link.pollMessage(); message !== undefined; message = link.pollMessage())
    bodies.push(message["text"]);
  return bodies;
}

test("what is written before there is a channel arrives once there is one", () => {
  const [a, b] = pair();
  a.send({ type: "chat", text: "early" });
  expect(a.pollTransmit()).toBeUndefined();
  a.handleOpen();
  b.handleOpen();
  exchange(a, b);
  a.send({ type: "chat", text: "late" });
  exchange(a, b);
  expect(received(b)).toEqual(["early", "late"]);
});

test("a channel that breaks in the middle neither loses nor doubles anything", () => {
  const [a, b] = pair();
  a.handleOpen();
  b.handleOpen();
  exchange(a, b);
  a.send({ type: "chat", text: "1" });
  b.handleText(a.pollTransmit() ?? "");
  a.send({ type: "chat", text: "2" });
  a.pollTransmit();
  a.handleClose();
  b.handleClose();
  a.send({ type: "chat", text: "3" });
  a.handleOpen();
  b.handleOpen();
  exchange(a, b);
  expect(received(b)).toEqual(["1", "2", "3"]);
});

test("what arrived is acknowledged once, and then forgotten by its sender", () => {
  const [a, b] = pair();
  a.handleOpen();
  b.handleOpen();
  exchange(a, b);
  a.send({ type: "chat", text: "1" });
  exchange(a, b);
  b.flushAck();
  b.flushAck();
  expect(JSON.parse(b.pollTransmit() ?? "{}")).toEqual({ type: "ack", ack: 1 });
  expect(b.pollTransmit()).toBeUndefined();
});

test("nonsense, numbers out of order and oversized texts are dropped", () => {
  const [a] = pair();
  a.handleOpen();
  for (const text of [
    "",
    "[]",
    '{"type":1}',
    '{"type":"chat","seq":5,"text":"x"}',
    '{"type":"chat","text":"x"}',
  ]) {
    a.handleText(text);
  }
  a.handleText(JSON.stringify({ type: "chat", seq: 1, text: "y".repeat(70_000) }));
  expect(received(a)).toEqual([]);
});
