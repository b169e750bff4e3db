import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * Folder of the built application: beside this package when it was published, in the workspace otherwise;
 * undefined when it is in neither.
 */
export function findAppFolder(): string | undefined {
  const candidates = ["../../app", "../../../../apps/meet/dist"].map((path) =>
    fileURLToPath(new URL(path, import.meta.url)),
  );
  return candidates.find((folder) => existsSync(join(folder, "index.html")));
}

/** How long browsers may keep a file. Vite puts a hash of the content into the names of all files in `assets/`. */
export function cacheControl(path: string): string {
  return /\/assets\/[^/]+-[\w-]{8,}\.\w+$/.test(path) ? "public, max-age=31536000, immutable" : "no-cache";
}
