import { defineConfig } from "vitest/config";

const conditions = ["source", "node", "import", "module", "default"];

const HANDLES = "packages/webrtc/src/node/*.test.ts";

/** Tests run the TypeScript source of every package, through the private `source` export condition. */
export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    testTimeout: 20_000,
    hookTimeout: 60_000,
    restoreMocks: true,
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          // Files share their workers: nearly half the time would go into loading the same modules again.
          isolate: false,
          pool: "threads",
          exclude: [HANDLES],
          include: [
            "packages/*/src/**/*.test.ts",
            "packages/*/test/**/*.test.ts",
            "apps/*/src/**/*.test.{ts,tsx}",
          ],
        },
      },
      {
        extends: true,
        test: {
          name: "unit-handles",
          // These count the sockets and timers of their process, which therefore has to be their own.
          include: [HANDLES],
        },
      },
      {
        extends: true,
        test: {
          name: "fuzz",
          include: ["test/fuzz/*.test.ts"],
          testTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: "system",
          include: ["test/{system,simulation,interop,attacks,networks,smoke}/**/*.test.ts"],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: {
          name: "browsers",
          include: ["test/browsers/**/*.test.ts"],
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});
