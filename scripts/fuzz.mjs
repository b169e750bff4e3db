/**
 * `npm run fuzz`: bundles `test/fuzz/run.ts` from the TypeScript source of the packages and runs it, so that it needs
 * no build and runs at the speed of the product.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { ensureInstalled, root } from "./workspace.mjs";

ensureInstalled();
const { build } = await import("vite");
const outDir = join(root, ".cache/fuzz");
await build({
  root,
  configFile: false,
  logLevel: "error",
  resolve: { conditions: ["source"] },
  ssr: {
    noExternal: [/^@naru\//],
    resolve: { conditions: ["source", "node", "import", "module", "default"] },
  },
  build: { ssr: join(root, "test/fuzz/run.ts"), outDir, emptyOutDir: true, target: "node20", minify: false },
});
const result = spawnSync(process.execPath, [join(outDir, "run.js"), ...process.argv.slice(2)], {
  cwd: root,
  stdio: "inherit",
});
process.exitCode = result.status ?? 1;
