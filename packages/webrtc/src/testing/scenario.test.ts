import { describe, expect, test } from "vitest";
import { createScenario, type ScenarioOptions, scenarioSeed } from "./scenario.ts";
import type { VirtualNetwork } from "./virtual-network.ts";

test("a scenario runs once for each seed, on a network of its own", async () => {
  const networks: VirtualNetwork[] = [];
  await runScenario("three", { seeds: 3 }, {}, async (network) => void networks.push(network));
  expect(networks.map(({ seed }) => seed)).toEqual([0, 1, 2].map((index) => scenarioSeed("three", index)));
  expect(new Set(networks.map(({ seed }) => seed)).size).toBe(3);
});

test("NARU_SEED replays that one seed", async () => {
  const seeds: string[] = [];
  await runScenario("three", { seeds: 3 }, { NARU_SEED: "cafe" }, async ({ seed }) => void seeds.push(seed));
  expect(seeds).toEqual(["cafe"]);
});

describe("a failing scenario", () => {
  const fail = (): Promise<void> =>
    runScenario("a (failing) call: bob's side", { seeds: 5 }, {}, async (network) => {
      const [alice, bob] = [network.host("alice"), network.host("bob")];
      const handler = { handleDatagram() {}, handleBatchEnd() {}, handleError() {} };
      const udp = await alice.bindUdp({ address: alice.address(), port: 5000 }, handler);
      const other = await bob.bindUdp({ address: bob.address(), port: 6000 }, handler);
      udp.send(new Uint8Array(3), other.localAddress);
      await network.run(25);
      if (network.seed === scenarioSeed("a (failing) call: bob's side", 1)) throw new TypeError("it broke");
    });

  test("says what failed, with which seed and when, and shows the last packets", async () => {
    const seed = scenarioSeed("a (failing) call: bob's side", 1);
    await expect(fail()).rejects.toThrow(/^it broke\n/);
    await expect(fail()).rejects.toThrow(`seed ${seed}, failed at 25.000 ms of virtual time`);
    await expect(fail()).rejects.toThrow("alice 203.0.113.2:5000 → 203.0.113.3:6000");
    await expect(fail()).rejects.toMatchObject({ cause: expect.any(TypeError) });
  });

  test("gives the command that replays it, safe for the shell and for a pattern", async () => {
    const seed = scenarioSeed("a (failing) call: bob's side", 1);
    const name = "'a \\(failing\\) call: bob'\\''s side'";
    const command = `NARU_SEED=${seed} npx vitest run --project unit -t ${name} packages/webrtc/test/call.test.ts`;
    await expect(fail()).rejects.toThrow(command);
  });
});

/** Registers a scenario with a runner that runs it at once. */
async function runScenario(
  name: string,
  options: ScenarioOptions,
  environment: { readonly NARU_SEED?: string },
  body: (network: VirtualNetwork) => Promise<void>,
): Promise<void> {
  let registered: { name: string; body: () => Promise<void> } | undefined;
  const scenario = createScenario({
    test: (testName, testBody) => {
      registered = { name: testName, body: testBody };
    },
    environment,
    file: "file:///home/someone/naru/packages/webrtc/test/call.test.ts",
  });
  scenario(name, options, body);
  expect(registered?.name).toBe(name);
  await registered?.body();
}
