import fc from "fast-check";
import { expect, test } from "vitest";
import { DEFAULT_RECOVERY_OPTIONS, type LinkState, Recovery, type RecoveryAction } from "./recovery.ts";

function recovery(polite = true): Recovery {
  const created = new Recovery({ ...DEFAULT_RECOVERY_OPTIONS, polite });
  created.start(0);
  return created;
}

function actions(core: Recovery): string[] {
  const found: RecoveryAction[] = [];
  for (let action = core.pollAction(); action !== undefined; action = core.pollAction()) found.push(action);
  return found.map((action) => action.type);
}

/** Runs every timer until `end`, as if nothing ever helped. */
function run(core: Recovery, end: number): [number, string][] {
  const log: [number, string][] = [];
  for (let now = core.pollTimeout(); now <= end; now = core.pollTimeout()) {
    core.handleTimeout(now);
    for (const action of actions(core)) log.push([now, action]);
  }
  return log;
}

test("a path that comes back by itself is left alone", () => {
  const core = recovery();
  core.handleState("connected", 500);
  core.handleState("disconnected", 60_000);
  core.handleState("connected", 61_000);
  expect(run(core, 100_000)).toEqual([]);
});

test("a lost path gets two ICE restarts, then new peer connections, then up", () => {
  const core = recovery();
  core.handleState("connected", 500);
  core.handleState("disconnected", 60_000);
  expect(run(core, 300_000)).toEqual([
    [61_500, "restartIce"],
    [69_500, "restartIce"],
    [77_500, "rebuild"],
    [92_500, "rebuild"],
    [107_500, "rebuild"],
    [122_500, "giveUp"],
  ]);
  expect(core.isGivenUp).toBe(true);
});

test("the polite side acts first", () => {
  for (const [polite, at] of [
    [true, 1_000],
    [false, 2_500],
  ] as const) {
    const core = recovery(polite);
    core.handleState("connected", 500);
    core.handleState("failed", 1_000);
    expect(core.pollTimeout()).toBe(at);
  }
});

test("a failed handshake is not helped by ICE: the peer connection is rebuilt at once", () => {
  const core = recovery();
  core.handleState("securityFailed", 2_000);
  expect(actions(core)).toEqual(["rebuild"]);
});

test("without signaling nothing is tried and nothing is counted; with it, at once", () => {
  const core = recovery();
  core.handleState("connected", 500);
  core.handleSignaling(false, 1_000);
  core.handleState("failed", 2_000);
  expect(run(core, 600_000)).toEqual([]);
  core.handleSignaling(true, 600_000);
  expect(actions(core)).toEqual(["restartIce"]);
});

test("a connection that was never up gets its full time after signaling came back", () => {
  const core = recovery();
  core.handleSignaling(false, 1_000);
  core.handleSignaling(true, 14_000);
  expect(run(core, 20_000)).toEqual([]);
  expect(core.pollTimeout()).toBe(29_000);
});

test("a new network restarts ICE even when the connection looks healthy, and once is enough if it stays so", () => {
  const core = recovery();
  core.handleState("connected", 500);
  core.handleNetworkChange(20_000);
  expect(actions(core)).toEqual(["restartIce"]);
  expect(run(core, 100_000)).toEqual([]);
});

test("a relay that may be gone is replaced at once, by the polite side only", () => {
  for (const polite of [true, false]) {
    const core = recovery(polite);
    core.handleState("connected", 500);
    run(core, 15_000);
    core.handleSignaling(false, 18_000);
    core.handleSignaling(true, 20_000);
    core.handleRelayDoubtful(20_000);
    expect(actions(core)).toEqual(polite ? ["restartIce"] : []);
    expect(run(core, 100_000)).toEqual([]);
  }
});

test("a lost path that the other side repairs is left to it, for as long as a restart may take", () => {
  const core = recovery(false);
  core.handleState("connected", 500);
  core.handleState("disconnected", 60_000);
  core.handlePeerRestart(61_700);
  expect(run(core, 69_000)).toEqual([]);
  expect(run(core, 70_000)).toEqual([[69_700, "restartIce"]]);
});

test("when signaling is back after a loss that both sides noticed, the polite one acts and the other waits", () => {
  for (const [polite, at] of [
    [true, 30_000],
    [false, 31_500],
  ] as const) {
    const core = recovery(polite);
    core.handleState("connected", 500);
    core.handleSignaling(false, 20_000);
    core.handleState("disconnected", 22_000);
    expect(run(core, 30_000)).toEqual([]);
    core.handleSignaling(true, 30_000);
    const now = actions(core).map((action) => [30_000, action]);
    expect([...now, ...run(core, 35_000)]).toEqual([[at, "restartIce"]]);
  }
});

test("signaling that is back soon does not shorten the time in which a path may come back by itself", () => {
  const core = recovery();
  core.handleState("connected", 500);
  core.handleSignaling(false, 20_000);
  core.handleState("disconnected", 20_100);
  core.handleSignaling(true, 20_200);
  expect(actions(core)).toEqual([]);
  expect(run(core, 22_000)).toEqual([[21_600, "restartIce"]]);
});

test("a new network is repaired at once when signaling is back, on either side", () => {
  const core = recovery(false);
  core.handleState("connected", 500);
  core.handleSignaling(false, 20_000);
  core.handleNetworkChange(20_100);
  core.handleState("disconnected", 21_000);
  core.handleSignaling(true, 30_000);
  expect(actions(core)).toEqual(["restartIce"]);
  expect(run(core, 37_000)).toEqual([]);
});

test("the old path that fails while a restart is under way starts no second one", () => {
  const core = recovery();
  core.handleState("connected", 500);
  core.handleState("disconnected", 20_000);
  expect(run(core, 22_000)).toEqual([[21_500, "restartIce"]]);
  core.handleState("failed", 23_000);
  expect(run(core, 29_000)).toEqual([]);
  expect(run(core, 30_000)).toEqual([[29_500, "restartIce"]]);
});

test("an offer of the other side changes nothing where nothing was to be repaired", () => {
  const core = recovery(false);
  core.handleState("connected", 500);
  core.handlePeerRestart(1_000);
  expect(run(core, 100_000)).toEqual([]);
});

test("after giving up, a new network or the user starts over", () => {
  for (const again of ["handleNetworkChange", "retry"] as const) {
    const core = recovery();
    core.handleState("failed", 0);
    run(core, 300_000);
    expect(core.isGivenUp).toBe(true);
    core[again](400_000);
    expect(actions(core)).toEqual(["rebuild"]);
    expect(core.isGivenUp).toBe(false);
  }
});

test("attempts are counted anew after a connection that held", () => {
  const core = recovery();
  for (let round = 0; round < 20; round++) {
    const now = round * 100_000;
    core.handleState("failed", now);
    expect(run(core, now + 1_000).map(([, action]) => action)).toEqual(["restartIce"]);
    core.handleState("connected", now + 2_000);
    run(core, now + 50_000);
  }
});

test("whatever happens, it never acts more often than its limits allow between two stable connections", () => {
  const states: readonly LinkState[] = ["connecting", "disconnected", "failed", "securityFailed", "gone"];
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom(...states), fc.nat(20_000)), { maxLength: 60 }),
      (steps) => {
        const core = recovery();
        let now = 0;
        let rebuilds = 0;
        let restarts = 0;
        for (const [state, wait] of steps) {
          now += wait;
          core.handleTimeout(now);
          core.handleState(state, now);
          for (const action of actions(core)) {
            if (action === "rebuild") rebuilds++;
            if (action === "restartIce") restarts++;
          }
        }
        expect(rebuilds).toBeLessThanOrEqual(DEFAULT_RECOVERY_OPTIONS.maxRebuilds);
        expect(restarts).toBeLessThanOrEqual(
          (DEFAULT_RECOVERY_OPTIONS.maxRebuilds + 1) * DEFAULT_RECOVERY_OPTIONS.maxRestarts,
        );
      },
    ),
  );
});
