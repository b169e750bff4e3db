import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { standIn } from "../testing/fake-peer-connection.ts";
import { IncomingTransfer } from "./incoming-transfer.ts";
import type { TransferMessage } from "./transfer-protocol.ts";

const BYTES: Uint8Array<ArrayBuffer> = Uint8Array.from(
  { length: 100_000 },
  (_, index) => (index * 31) & 0xff,
);
const SHA256: string = createHash("sha256").update(BYTES).digest("hex");

/** The end of a channel that a receiver sees. */
class Channel {
  readonly sent: string[] = [];
  readyState = "open";
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: (() => void) | null = null;

  send(text: string): void {
    this.sent.push(text);
  }

  close(): void {
    this.readyState = "closed";
    this.onclose?.();
  }

  deliver(data: unknown): void {
    this.onmessage?.({ data });
  }
}

function receiver(
  size: number = BYTES.length,
  mediaType = "",
): {
  transfer: IncomingTransfer;
  sent: TransferMessage[];
  open(offset: number): Channel;
} {
  const sent: TransferMessage[] = [];
  const transfer = new IncomingTransfer(
    "p1",
    { type: "fileOffer", id: "f1", name: "a.bin", size, mediaType },
    {
      now: () => 0,
      send: (_to, message) => sent.push(message) > 0,
      openChannel: () => undefined,
      isReachable: () => true,
      maxMessageSize: () => 65_536,
      handleChange: () => undefined,
    },
  );
  const open = (offset: number): Channel => {
    const channel = new Channel();
    transfer.handleChannel(standIn(channel), offset);
    return channel;
  };
  return { transfer, sent, open };
}

test("a whole file with the right hash is done, and is the same bytes", async () => {
  const { transfer, sent, open } = receiver();
  transfer.accept();
  const channel = open(0);
  channel.deliver(BYTES.slice(0, 60_000).buffer);
  channel.deliver(BYTES.slice(60_000).buffer);
  channel.deliver(JSON.stringify({ sha256: SHA256 }));
  expect(transfer.state).toBe("done");
  expect(sent.map((message) => message.type)).toEqual(["fileAccept", "fileDone"]);
  expect(new Uint8Array((await transfer.blob()?.arrayBuffer()) ?? new ArrayBuffer(0))).toEqual(BYTES);
});

test("a channel that breaks is asked for again from where it was", () => {
  const { transfer, sent, open } = receiver();
  transfer.accept();
  const first = open(0);
  first.deliver(BYTES.slice(0, 60_000).buffer);
  first.close();
  expect(sent.at(-1)).toEqual({ type: "fileAccept", id: "f1", offset: 60_000 });
  expect(open(0).readyState).toBe("closed");
  const second = open(60_000);
  second.deliver(BYTES.slice(60_000).buffer);
  second.deliver(JSON.stringify({ sha256: SHA256 }));
  expect(transfer.sha256).toBe(SHA256);
  expect(transfer.state).toBe("done");
});

test("a damaged file is a failure, said in words, and no bytes are handed out", () => {
  const { transfer, sent, open } = receiver();
  transfer.accept();
  const channel = open(0);
  const damaged = BYTES.slice();
  damaged[5]! ^= 1;
  channel.deliver(damaged.buffer);
  channel.deliver(JSON.stringify({ sha256: SHA256 }));
  expect(transfer.state).toBe("failed");
  expect(transfer.failure?.code).toBe("HASH_MISMATCH");
  expect(transfer.failure?.message).toMatch(/damaged/);
  expect(transfer.blob()).toBeUndefined();
  expect(sent.at(-1)).toEqual({ type: "fileFailed", id: "f1", code: "HASH_MISMATCH" });
});

test("more bytes than announced end the transfer", () => {
  const { transfer, open } = receiver(1_000);
  transfer.accept();
  open(0).deliver(BYTES.slice(0, 1_001).buffer);
  expect(transfer.failure?.code).toBe("TOO_LARGE");
});

test("a hash before the last byte ends the transfer", () => {
  const { transfer, open } = receiver();
  transfer.accept();
  open(0).deliver(JSON.stringify({ sha256: SHA256 }));
  expect(transfer.failure?.code).toBe("PROTOCOL");
});

test("nothing is taken before it was accepted, or after it was cancelled", () => {
  const { transfer, open } = receiver();
  expect(open(0).readyState).toBe("closed");
  transfer.accept();
  const channel = open(0);
  transfer.cancel();
  channel.deliver(BYTES.slice().buffer);
  expect(transfer.bytes).toBe(0);
  expect(transfer.state).toBe("cancelled");
});

test("a sender whose channels always close at once is given up", () => {
  const { transfer, open } = receiver();
  transfer.accept();
  for (let i = 0; i < 20 && transfer.state === "active"; i++) open(0).close();
  expect(transfer.failure?.code).toBe("PROTOCOL");
});

test("a file in many small messages, empty ones among them, and larger than a part, is the same bytes", async () => {
  const bytes = Uint8Array.from({ length: 9_000_001 }, (_, index) => (index * 17) >> 3);
  const { transfer, open } = receiver(bytes.length);
  transfer.accept();
  const channel = open(0);
  for (let at = 0, size = 0; at < bytes.length; at += size, size = (size * 7 + 1) % 65_536) {
    channel.deliver(bytes.slice(at, at + size).buffer);
  }
  channel.deliver(JSON.stringify({ sha256: createHash("sha256").update(bytes).digest("hex") }));
  expect(transfer.state).toBe("done");
  const received = new Uint8Array((await transfer.blob()?.arrayBuffer()) ?? new ArrayBuffer(0));
  expect(Buffer.compare(received, bytes)).toBe(0);
});

test("what a sender calls a page, or anything else that runs, is handed out as bytes", () => {
  for (const [mediaType, type] of [
    ["image/png", "image/png"],
    ["video/mp4", "video/mp4"],
    ["text/html", "application/octet-stream"],
    ["image/svg+xml", "application/octet-stream"],
    ["text/plain;charset=x", "application/octet-stream"],
    ["", "application/octet-stream"],
  ] as const) {
    const { transfer, open } = receiver(BYTES.length, mediaType);
    transfer.accept();
    const channel = open(0);
    channel.deliver(BYTES.slice().buffer);
    channel.deliver(JSON.stringify({ sha256: SHA256 }));
    expect(transfer.blob()?.type).toBe(type);
  }
});
