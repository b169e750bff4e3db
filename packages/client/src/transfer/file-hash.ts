import { Sha256 } from "./sha256.ts";

/** A few milliseconds of hashing: the page stays alive between two slices. */
const SLICE_BYTES = 1024 * 1024;

/**
 * The SHA-256 of a file, read slice by slice: `await` between two of them lets the page breathe.
 *
 * @returns Undefined when it was cancelled before the last byte.
 * @throws {DOMException} `NotReadableError` when the file cannot be read any more.
 */
export async function hashFile(file: Blob, isCancelled: () => boolean): Promise<string | undefined> {
  const hash = new Sha256();
  for (let at = 0; at < file.size; at += SLICE_BYTES) {
    if (isCancelled()) return undefined;
    hash.update(new Uint8Array(await file.slice(at, at + SLICE_BYTES).arrayBuffer()));
  }
  return hash.digestHex();
}
