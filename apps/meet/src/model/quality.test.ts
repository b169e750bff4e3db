import { expect, test } from "vitest";
import { connectionQuality } from "./quality.ts";

test("quality follows the worse of delay and loss", () => {
  expect(connectionQuality("connected", { roundTripMs: 40, inboundLoss: 0 })).toBe("good");
  expect(connectionQuality("connected", { roundTripMs: 300, inboundLoss: 0 })).toBe("fair");
  expect(connectionQuality("connected", { roundTripMs: 40, inboundLoss: 0.05 })).toBe("fair");
  expect(connectionQuality("connected", { roundTripMs: 40, inboundLoss: 0.2 })).toBe("poor");
});

test("quality is unknown before anything was measured, and bad without a connection", () => {
  expect(connectionQuality("connecting", undefined)).toBe("unknown");
  expect(connectionQuality("connected", {})).toBe("unknown");
  expect(connectionQuality("recovering", { roundTripMs: 1 })).toBe("bad");
  expect(connectionQuality("failed", undefined)).toBe("bad");
});
