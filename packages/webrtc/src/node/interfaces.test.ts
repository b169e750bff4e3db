import { expect, test } from "vitest";
import { createNodePlatform } from "./index.ts";
import { listInterfaces, watchInterfaces } from "./interfaces.ts";

test("loopback is among the interfaces, with the length of its network", () => {
  const loopback = listInterfaces().find(({ address }) => address.toString() === "127.0.0.1");
  expect(loopback).toMatchObject({ prefixLength: 8 });
  expect(loopback?.name).not.toBe("");
});

test("a link-local address has the zone it can be bound with", () => {
  for (const { address, name } of listInterfaces()) {
    if (address.family === 6 && address.isLinkLocal) expect(address.zone).toBe(name);
    else expect(address.zone).toBeUndefined();
  }
});

test("nothing is said while nothing changes, and watching ends", () => {
  const before = process.getActiveResourcesInfo();
  const stop = watchInterfaces(() => expect.unreachable("nothing has changed"));
  stop();
  stop();
  expect(process.getActiveResourcesInfo()).toEqual(before);
});

test("an address literal resolves to itself, localhost to loopback", async () => {
  const platform = createNodePlatform();
  expect((await platform.resolve("192.0.2.1")).map(String)).toEqual(["192.0.2.1"]);
  expect((await platform.resolve("2001:db8::1")).map(String)).toEqual(["2001:db8::1"]);
  const addresses = await platform.resolve("localhost");
  expect(addresses.length).toBeGreaterThan(0);
  expect(addresses.every((address) => address.isLoopback)).toBe(true);
});

test("a name that cannot exist is refused with the system's error", async () => {
  // RFC 6761 §6.4: nothing is ever below `invalid`.
  await expect(createNodePlatform().resolve("name.invalid")).rejects.toMatchObject({
    syscall: "getaddrinfo",
  });
});

test("the clock moves forward and the calendar is near the system's", () => {
  const platform = createNodePlatform();
  const before = platform.now();
  expect(platform.now()).toBeGreaterThanOrEqual(before);
  expect(Math.abs(platform.wallClock() - Date.now())).toBeLessThan(1000);
});
