import { copyFile, open, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";
import type { RegistrySnapshot } from "../room/registry-types.ts";
import type { RoomSnapshot } from "../room/room.ts";

/** Where rooms are kept while no server runs. */
export interface SnapshotStore {
  /** What was saved last, unchecked; undefined when there is nothing. Called once, at the start. */
  load(): Promise<unknown>;
  /**
   * Replaces what was saved. Never called while an earlier call is still under way. When it resolves, the snapshot
   * must survive the death of the process; messages are acknowledged on the strength of it.
   */
  save(snapshot: RegistrySnapshot): Promise<void>;
  /**
   * Called after `load` when what it gave cannot be used, or not all of it: the next save replaces it, so whoever
   * wants to look at it needs a copy.
   */
  keepUnusable?(): Promise<void>;
}

/** How a file store writes. */
export interface FileStoreOptions {
  /**
   * Whether each save waits for the disk, so that it also survives a loss of power. False by default: on a slow or busy
   * disk everybody who joins would wait for it, to gain meetings that nobody sits in any more when the machine is
   * back. Without it the death of the process at any moment is survived all the same.
   */
  readonly survivesPowerLoss?: boolean;
}

/** The file holds hashes of secrets and undelivered signals: it is its owner's alone. */
const FILE_MODE = 0o600;

/**
 * Keeps rooms in one JSON file. Each save writes a new file beside it and renames that over the old one, so a
 * reader finds either the old state or the new one, whole, at whatever moment the process dies.
 *
 * A file that is not JSON is moved aside as `<path>.damaged` and the server starts empty; one with rooms that cannot
 * be used is copied there, and the server starts with the others.
 */
export function createFileStore(path: string, options: FileStoreOptions = {}): SnapshotStore {
  const { survivesPowerLoss = false } = options;
  // A room that did not change is the same object as in the snapshot before: it is written as text only once.
  const texts = new WeakMap<RoomSnapshot, string>();

  function textOf(room: RoomSnapshot): string {
    let text = texts.get(room);
    if (text === undefined) {
      text = JSON.stringify(room);
      texts.set(room, text);
    }
    return text;
  }

  return {
    async load(): Promise<unknown> {
      const text = await readIfPresent(path);
      if (text === undefined) return undefined;
      try {
        return JSON.parse(text);
      } catch {
        // Damaged by something other than us: keep it for whoever wants to know, start without it.
        await rename(path, `${path}.damaged`);
        return undefined;
      }
    },

    // A copy, because the rooms that can be used are in the file alone until the next save.
    async keepUnusable(): Promise<void> {
      await copyFile(path, `${path}.damaged`);
    },

    async save(snapshot: RegistrySnapshot): Promise<void> {
      const text = `{"version":${snapshot.version},"rooms":[${snapshot.rooms.map(textOf).join(",\n")}]}\n`;
      const temporary = `${path}.new`;
      const file = await open(temporary, "w", FILE_MODE);
      try {
        // The mode given to open() is not applied to a file that a killed process left behind.
        await file.chmod(FILE_MODE);
        await file.writeFile(text);
        if (survivesPowerLoss) await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, path);
      if (survivesPowerLoss) await syncFolder(dirname(path));
    },
  };
}

async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

/** Makes the rename itself survive a loss of power. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch {
    // Some systems cannot open or sync a folder; there the rename is as durable as they make it.
  }
}
