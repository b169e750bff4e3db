import { expect, test } from "vitest";
import peerLink from "../../../../packages/client/src/connection/peer-link.ts?raw";
import recovery from "../../../../packages/client/src/connection/recovery.ts?raw";
import { repairReason } from "./repair-reason.ts";

test("every reason for which the SDK repairs a connection has a name in the dictionaries", () => {
  const found = `${recovery}${peerLink}`.matchAll(/(?:\breason: |#rebuild\()"([^"]+)"/g);
  const reasons = Array.from(found, ([, reason]) => reason ?? "");
  expect(reasons.length).toBeGreaterThanOrEqual(10);
  expect(reasons.filter((reason) => repairReason(reason) === undefined)).toEqual([]);
});

test("a reason of another version has none", () => {
  expect(repairReason("the moon was full")).toBeUndefined();
  expect(repairReason("constructor")).toBeUndefined();
});
