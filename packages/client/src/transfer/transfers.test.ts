import { SILENT_LOGGER } from "@naru/webrtc/sansio";
import { expect, test } from "vitest";
import { createBrowserPlatform } from "../platform/browser.ts";
import { Transfers } from "./transfers.ts";

function createTransfers(isTaken = true): Transfers {
  return new Transfers({
    platform: createBrowserPlatform(),
    log: SILENT_LOGGER,
    send: () => isTaken,
    openChannel: () => undefined,
    isReachable: () => true,
    maxMessageSize: () => 65_536,
    onAdd: () => undefined,
    onChange: () => undefined,
  });
}

function offer(transfers: Transfers, from: string, id: string): void {
  transfers.handleMessage(from, { type: "fileOffer", id, name: "a", size: 1, mediaType: "" });
}

test("somebody who offers and cancels again and again pushes no file of another out of the list", () => {
  const transfers = createTransfers();
  const sent = transfers.send(new Blob(["x"]), "mine", ["juno"]);
  transfers.handleMessage("juno", { type: "fileDone", id: sent.id });
  offer(transfers, "juno", "kept");
  transfers.handleMessage("juno", { type: "fileCancel", id: "kept" });
  for (let i = 0; i < 500; i++) {
    offer(transfers, "mallory", `f${i}`);
    transfers.handleMessage("mallory", { type: "fileCancel", id: `f${i}` });
  }
  const ids = transfers.all.map(({ id }) => id);
  expect(ids.slice(0, 2)).toEqual([sent.id, "kept"]);
  expect(ids.length).toBeLessThan(20);
});

test("of more than are remembered, those that came to nothing are forgotten first", () => {
  const transfers = createTransfers();
  const sent = transfers.send(new Blob(["x"]), "mine", ["juno"]);
  transfers.handleMessage("juno", { type: "fileDone", id: sent.id });
  for (let i = 0; i < 300; i++) {
    offer(transfers, `p${i}`, "f");
    transfers.handleMessage(`p${i}`, { type: "fileCancel", id: "f" });
  }
  expect(transfers.all.length).toBeLessThanOrEqual(201);
  expect(transfers.all[0]?.id).toBe(sent.id);
});

test("an offer or an answer that is not taken fails, instead of waiting for ever", () => {
  const transfers = createTransfers(false);
  expect(transfers.send(new Blob(["x"]), "mine", ["juno"]).state).toBe("failed");
  offer(transfers, "juno", "theirs");
  transfers.all[1]?.accept();
  expect(transfers.all[1]?.state).toBe("failed");
});
