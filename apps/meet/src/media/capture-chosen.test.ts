import { ClientError } from "@naru/client";
import { expect, test } from "vitest";
import { captureChosen } from "./capture-chosen.ts";

/** Devices of which one is there, and what was asked of them. */
function devices(code: "DEVICE_UNSUITABLE" | "PERMISSION_DENIED"): {
  readonly asked: (string | null)[];
  capture(deviceId: string | null): Promise<void>;
} {
  const asked: (string | null)[] = [];
  return {
    asked,
    async capture(deviceId) {
      asked.push(deviceId);
      if (deviceId === "gone") throw new ClientError(code, "It is not there.", "Choose another one.");
    },
  };
}

test("the chosen device is captured when it is there", async () => {
  const { asked, capture } = devices("DEVICE_UNSUITABLE");
  await captureChosen("here", capture);
  expect(asked).toEqual(["here"]);
});

test("nothing chosen is what the browser prefers", async () => {
  const { asked, capture } = devices("DEVICE_UNSUITABLE");
  await captureChosen(undefined, capture);
  expect(asked).toEqual([null]);
});

test("a chosen device that is not plugged in gives way to what the browser prefers", async () => {
  const { asked, capture } = devices("DEVICE_UNSUITABLE");
  await captureChosen("gone", capture);
  expect(asked).toEqual(["gone", null]);
});

test("a refusal is not asked about twice", async () => {
  const { asked, capture } = devices("PERMISSION_DENIED");
  await expect(captureChosen("gone", capture)).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
  expect(asked).toEqual(["gone"]);
});
