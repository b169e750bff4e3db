import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { bundleClient } from "../support/client-page.ts";

/** What an application pays for everything the client has, minified and compressed. */
const BUDGET_BYTES = 25_000;

test("the whole client is at most 25 kB for those who download it", async () => {
  const script = await bundleClient();
  const bytes = gzipSync(script, { level: 9 }).length;
  console.log(`client: ${script.length} bytes minified, ${bytes} compressed`);
  expect(bytes).toBeLessThanOrEqual(BUDGET_BYTES);
});
