import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { bundleClient } from "../support/client-page.ts";

/**
 * What an application pays for everything the client has, minified and compressed. Going on after a browser refused
 * something, or a server was full, took the last few hundred bytes.
 */
const BUDGET_BYTES = 26_500;

test("the whole client is at most 26.5 kB for those who download it", async () => {
  const script = await bundleClient();
  const bytes = gzipSync(script, { level: 9 }).length;
  console.log(`client: ${script.length} bytes minified, ${bytes} compressed`);
  expect(bytes).toBeLessThanOrEqual(BUDGET_BYTES);
});
