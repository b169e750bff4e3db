import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createNodePlatform } from "@naru/webrtc/node";
import { afterEach, expect, test } from "vitest";
import { type NaruConfigInput, resolveConfig } from "../src/config/schema.ts";
import { selfTest } from "../src/self-test/self-test.ts";
import { createNaruServer, type NaruServer } from "../src/server.ts";

let server: NaruServer | undefined;

afterEach(async () => {
  await server?.close();
});

async function start(config: NaruConfigInput): Promise<NaruConfigInput> {
  const input = { port: 0, dataDir: mkdtempSync(join(tmpdir(), "naru-self-")), ...config };
  server = await createNaruServer(input);
  return input;
}

async function checked(
  config: NaruConfigInput,
  target: Partial<NaruServer> = {},
): ReturnType<typeof selfTest> {
  if (server === undefined) throw new Error("start one first");
  const { port, hasStun, certificate } = server;
  return selfTest(createNodePlatform(), resolveConfig(config), { port, hasStun, certificate, ...target });
}

test("a server that runs answers HTTPS and STUN at every address of the machine", async () => {
  const config = await start({});
  const checks = await checked(config);
  expect(checks[0]).toEqual({ address: "127.0.0.1", https: undefined, stun: undefined });
  for (const check of checks) expect(check).toMatchObject({ https: undefined, stun: undefined });
});

test("a server on one address is asked there", async () => {
  const config = await start({ host: "::1" });
  expect(await checked(config)).toEqual([{ address: "::1", https: undefined, stun: undefined }]);
});

test("what is switched off is not missed", async () => {
  const config = await start({ host: "127.0.0.1", stun: { enabled: false }, turn: { enabled: false } });
  expect(await checked(config)).toEqual([{ address: "127.0.0.1", https: undefined, stun: undefined }]);
});

test("silence, and another server's certificate, are named", async () => {
  const config = await start({ host: "127.0.0.1", stun: { enabled: false }, turn: { enabled: false } });
  const other = { fingerprint: "00:00", served: "", authority: undefined };
  expect(await checked(config, { hasStun: true, certificate: other })).toEqual([
    {
      address: "127.0.0.1",
      https: "another program answers with another certificate",
      stun: "no answer",
    },
  ]);
  await server?.close();
  const [check] = await checked(config);
  expect(check?.https).toMatch(/ECONNREFUSED/);
});
