import { randomBytes } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { StartError } from "./start-error.ts";

/** Largest file that is read back, in bytes. */
const MAX_FILE_BYTES = 1_000_000;

/**
 * The folder that keeps what must survive a restart: the local certificate authority and the secrets of this
 * installation. Only its owner may look inside.
 */
export class DataDirectory {
  /** Absolute. */
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /**
   * Opens the folder, making it first when it is missing.
   *
   * @throws {StartError} `DATA_DIRECTORY` when it cannot be made or written to.
   */
  static open(path: string): DataDirectory {
    const absolute = resolve(path);
    try {
      const isNew = !existsSync(absolute);
      mkdirSync(absolute, { recursive: true, mode: 0o700 });
      if (!statSync(absolute).isDirectory()) throw new Error("it is not a folder");
      // A folder that somebody made before, for example as a mount point, is theirs: only ours is locked up.
      if (isNew) chmodSync(absolute, 0o700);
      const probe = join(absolute, `.probe-${randomBytes(6).toString("hex")}`);
      writeFileSync(probe, "");
      rmSync(probe);
    } catch (error) {
      throw new StartError({
        code: "DATA_DIRECTORY",
        summary: `The data folder ${absolute} cannot be used: ${error instanceof Error ? error.message : error}.`,
        remedy: "naru --data-dir <a folder that this user may write to>",
        cause: error,
      });
    }
    return new DataDirectory(absolute);
  }

  /** Content of a file, or undefined when it is not there. */
  read(name: string): string | undefined {
    const path = join(this.path, name);
    if (!existsSync(path)) return undefined;
    try {
      if (statSync(path).size > MAX_FILE_BYTES) throw new Error(`it is larger than ${MAX_FILE_BYTES} bytes`);
      return readFileSync(path, "utf8");
    } catch (error) {
      throw new StartError({
        code: "DATA_DIRECTORY",
        summary: `${path} cannot be read: ${error instanceof Error ? error.message : error}.`,
        remedy: `ls -l ${path}   # it must belong to the user that runs naru`,
        cause: error,
      });
    }
  }

  /**
   * Writes a file that only its owner may read, all of it or nothing: a crash leaves the old content.
   *
   * @throws {StartError} `DATA_DIRECTORY` when the folder is not writable any more.
   */
  write(name: string, content: string): void {
    const path = join(this.path, name);
    const temporary = `${path}.${randomBytes(6).toString("hex")}`;
    try {
      writeFileSync(temporary, content, { mode: 0o600, flush: true });
      renameSync(temporary, path);
    } catch (error) {
      throw new StartError({
        code: "DATA_DIRECTORY",
        summary: `${path} cannot be written: ${error instanceof Error ? error.message : error}.`,
        remedy: `df -h ${this.path}; ls -ld ${this.path}   # room left, and the right owner?`,
        cause: error,
      });
    }
  }

  /** A secret of 32 random bytes (base64url), made the first time it is asked for. */
  secret(name: string): string {
    const known = this.read(name)?.trim();
    if (known !== undefined && known.length >= 32) return known;
    const secret = randomBytes(32).toString("base64url");
    this.write(name, `${secret}\n`);
    return secret;
  }
}
