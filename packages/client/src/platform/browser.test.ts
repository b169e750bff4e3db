import { expect, onTestFinished, test, vi } from "vitest";
import { createBrowserPlatform } from "./browser.ts";

/** `navigator.connection` of a browser that tells the type of the network, or not. */
function setUp(type?: string): { change(type?: string): void; changes(): number } {
  const connection = Object.assign(new EventTarget(), { type });
  vi.stubGlobal("navigator", { connection });
  onTestFinished(() => void vi.unstubAllGlobals());
  let changes = 0;
  onTestFinished(createBrowserPlatform().onNetworkChange(() => changes++));
  return {
    change: (next) => {
      connection.type = next;
      connection.dispatchEvent(new Event("change"));
    },
    changes: () => changes,
  };
}

test("another kind of network is a change, another estimate of its bandwidth is none", () => {
  const { change, changes } = setUp("wifi");
  change("wifi");
  expect(changes()).toBe(0);
  change("cellular");
  change("cellular");
  expect(changes()).toBe(1);
  change("wifi");
  expect(changes()).toBe(2);
});

test("a browser that tells no kind reports no change so", () => {
  const { change, changes } = setUp();
  change();
  change();
  expect(changes()).toBe(0);
});
