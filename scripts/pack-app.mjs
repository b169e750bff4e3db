/**
 * Run by npm before and after it packs `naru`: puts the built web application into the package, and takes it out
 * again, so that in the workspace the server never finds an old copy.
 *
 * node scripts/pack-app.mjs [--remove]
 */
import { cpSync, existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { root } from "./workspace.mjs";

const built = join(root, "apps/meet/dist");
const packed = join(root, "packages/server/app");

rmSync(packed, { recursive: true, force: true });
if (!process.argv.includes("--remove")) {
  if (!existsSync(join(built, "index.html"))) {
    console.error("The web application is not built. Run: npm run build");
    process.exit(1);
  }
  // Source maps are for developing; they would be half of the package.
  cpSync(built, packed, { recursive: true, filter: (path) => !/\.map(\.br|\.gz)?$/.test(path) });
}
