import { expect, test } from "vitest";
import { cleanDeviceLabel } from "./device-label.ts";

test("what the system adds to a device's name is left out", () => {
  expect(cleanDeviceLabel("Default - MacBook Pro Microphone (Built-in)")).toBe("MacBook Pro Microphone");
  expect(cleanDeviceLabel("기본값 - USB 마이크")).toBe("USB 마이크");
  expect(cleanDeviceLabel("HD Webcam (046d:0825)")).toBe("HD Webcam");
  expect(cleanDeviceLabel("Scarlett 2i2 (Rack 3)")).toBe("Scarlett 2i2 (Rack 3)");
  expect(cleanDeviceLabel("")).toBe("");
});
