/** What waits in the channel at most: enough for a fast network, little enough to stop at once. */
const HIGH_WATER_BYTES = 1024 * 1024;
const LOW_WATER_BYTES = 256 * 1024;
const SLICE_BYTES = 1024 * 1024;
/** Within these every browser is safe and quick. */
const MIN_CHUNK_BYTES = 16 * 1024;
const MAX_CHUNK_BYTES = 64 * 1024;

/** How large the messages are that carry a file, given what the other side takes (RFC 8841 §6; 0 = any size). */
export function chunkSize(maxMessageSize: number): number {
  if (maxMessageSize === 0) return MAX_CHUNK_BYTES;
  return Math.min(MAX_CHUNK_BYTES, Math.max(MIN_CHUNK_BYTES, Math.min(maxMessageSize, MAX_CHUNK_BYTES)));
}

/**
 * Sends a file from `offset` to its end over one channel, no faster than the channel drains.
 *
 * @returns False when the channel closed, or the sending was stopped, before the end.
 * @throws {DOMException} `NotReadableError` when the file cannot be read any more.
 */
export async function sendOverChannel(
  channel: RTCDataChannel,
  file: Blob,
  offset: number,
  chunkBytes: number,
  isStopped: () => boolean,
): Promise<boolean> {
  channel.bufferedAmountLowThreshold = LOW_WATER_BYTES;
  if (!(await opened(channel))) return false;
  for (let at = offset; at < file.size; at += SLICE_BYTES) {
    const slice = new Uint8Array(await file.slice(at, at + SLICE_BYTES).arrayBuffer());
    for (let sent = 0; sent < slice.length; sent += chunkBytes) {
      if (channel.bufferedAmount > HIGH_WATER_BYTES && !(await drained(channel))) return false;
      if (channel.readyState !== "open" || isStopped()) return false;
      channel.send(slice.subarray(sent, sent + chunkBytes));
    }
  }
  return channel.readyState === "open" && !isStopped();
}

/** Resolves when the channel is open (true) or will never be (false). */
function opened(channel: RTCDataChannel): Promise<boolean> {
  return settled(channel, "open", () => channel.readyState === "open");
}

/** Resolves when the channel has room again (true) or is closed (false). */
function drained(channel: RTCDataChannel): Promise<boolean> {
  return settled(channel, "bufferedamountlow", () => channel.bufferedAmount <= LOW_WATER_BYTES);
}

function settled(channel: RTCDataChannel, event: string, isTrue: () => boolean): Promise<boolean> {
  return new Promise((resolve) => {
    const isOver = (): boolean => channel.readyState === "closing" || channel.readyState === "closed";
    const finish = (result: boolean): void => {
      channel.removeEventListener(event, onEvent);
      channel.removeEventListener("close", onClose);
      resolve(result);
    };
    const onEvent = (): void => finish(true);
    const onClose = (): void => finish(false);
    if (isOver()) {
      resolve(false);
      return;
    }
    if (isTrue()) {
      resolve(true);
      return;
    }
    channel.addEventListener(event, onEvent);
    channel.addEventListener("close", onClose);
  });
}
