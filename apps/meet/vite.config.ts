import { defineConfig } from "vite";

/** The page is plain files: hashed assets that can be cached for ever, no inline script or style, no foreign host. */
export default defineConfig({
  // The TypeScript source of our packages, so that the page is never built from a stale `dist`.
  resolve: { conditions: ["source", "browser", "module", "import", "default"] },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  // While developing: signaling comes from a `naru` that runs beside.
  server: { proxy: { "/signal": { target: "ws://localhost:8443", ws: true } } },
  build: {
    target: "es2022",
    outDir: "dist",
    emptyOutDir: true,
    sourcemap: true,
    modulePreload: { polyfill: false },
  },
});
