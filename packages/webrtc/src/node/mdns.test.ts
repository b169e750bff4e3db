import { createSocket } from "node:dgram";
import { once } from "node:events";
import { performance } from "node:perf_hooks";
import { expect, test } from "vitest";
import { IpAddress } from "../bytes/index.ts";
import { createNodeMdns } from "./mdns.ts";

const NAME = "4d2b4d1c-2c9f-4d1a-9c1e-0d1f5b3b9a10.local";
const ADDRESS = IpAddress.parse("192.0.2.7");

test("a name is resolved by who announced it, and by nobody when it was withdrawn", async () => {
  const port = await freePort();
  const [alice, bob] = [0, 1].map(() =>
    createNodeMdns(() => performance.now(), { port, interface: "127.0.0.1" }),
  );
  if (alice === undefined || bob === undefined || ADDRESS === undefined) throw new Error("two were made");
  const withdraw = alice.announce(NAME, ADDRESS);
  expect(`${await bob.resolve(NAME.toUpperCase())}`).toBe("192.0.2.7");
  expect(`${await alice.resolve(NAME)}`).toBe("192.0.2.7");
  expect(await bob.resolve("00000000-0000-4000-8000-000000000000.local")).toBeUndefined();
  withdraw();
  expect(await alice.resolve(NAME)).toBeUndefined();
});

test("a flood of names is not asked for", async () => {
  const port = await freePort();
  const mdns = createNodeMdns(() => performance.now(), { port, interface: "127.0.0.1" });
  const before = performance.now();
  const answers = Array.from({ length: 200 }, (_, index) => mdns.resolve(`name-${index}.local`));
  expect(await answers[199]).toBeUndefined();
  expect(performance.now() - before).toBeLessThan(1000);
  await Promise.all(answers);
});

async function freePort(): Promise<number> {
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address();
  socket.close();
  await once(socket, "close");
  return port;
}
