/** Two ICE drivers on the sockets of Node, on loopback. */
import { describe, expect, test } from "vitest";
import { IceDriver, type IceDriverEvent } from "../src/driver/index.ts";
import { type IceGathererOptions, writeLocalCandidate } from "../src/ice/index.ts";
import { createNodePlatform } from "../src/node/index.ts";

interface Side {
  readonly driver: IceDriver;
  readonly received: number[];
  readonly events: IceDriverEvent[];
  other?: Side;
}

describe("on Node two agents connect", () => {
  test.each([
    ["over IPv4", { interfaceFilter: ({ address }) => address.family === 4 && address.isLoopback }],
    ["over IPv6", { interfaceFilter: ({ address }) => address.family === 6 && address.isLoopback }],
    [
      "in a range of ports",
      { interfaceFilter: ({ address }) => address.isLoopback, ports: { min: 42_000, max: 42_999 } },
    ],
  ] satisfies [string, IceGathererOptions][])(
    "%s, send data, restart, and close without a handle left",
    async (_name, gatherer) => {
      const [a, b] = await connect({ ...gatherer, includesLoopback: true });
      expect(a.driver.agent.selectedPair?.local.type).toBe("host");
      const { ports }: IceGathererOptions = gatherer;
      if (ports !== undefined) {
        expect(a.driver.agent.selectedPair?.local.address.port).toBeGreaterThanOrEqual(ports.min);
        expect(a.driver.agent.selectedPair?.local.address.port).toBeLessThanOrEqual(ports.max);
      }
      for (let i = 0; i < 10; i++) a.driver.send(Uint8Array.of(22, i));
      await until(() => b.received.length === 10);
      a.driver.restart();
      b.driver.restart();
      introduce(a, b);
      await until(() =>
        [a, b].every(
          ({ driver }) => driver.agent.state === "completed" && driver.agent.selectedPair?.isNominated,
        ),
      );
      expect(a.driver.agent.generation).toBe(1);
      a.driver.close();
      b.driver.close();
      expect(a.driver.send(Uint8Array.of(22, 1))).toBe(false);
    },
  );

  test("over TCP where that is all there is", async () => {
    const tcp = { active: true, passive: true };
    const [a, b] = await connect(
      {
        includesLoopback: true,
        tcp,
        interfaceFilter: ({ address }) => address.family === 4 && address.isLoopback,
      },
      (transport) => transport === "tcp",
    );
    expect([a, b].map(({ driver }) => driver.agent.selectedPair?.local.protocol)).toEqual(["tcp", "tcp"]);
    a.driver.send(Uint8Array.of(22, 42));
    await until(() => b.received.includes(42));
    a.driver.close();
    b.driver.close();
  });
});

async function connect(
  gatherer: IceGathererOptions,
  isTold: (transport: string) => boolean = () => true,
): Promise<[Side, Side]> {
  const a = side("controlling", gatherer, isTold);
  const b = side("controlled", gatherer, isTold);
  a.other = b;
  b.other = a;
  introduce(a, b);
  a.driver.gather();
  b.driver.gather();
  await until(() => [a, b].every(({ driver }) => driver.agent.selectedPair?.isNominated === true));
  return [a, b];
}

function side(
  role: "controlling" | "controlled",
  gatherer: IceGathererOptions,
  isTold: (transport: string) => boolean,
): Side {
  const made: Side = {
    received: [],
    events: [],
    driver: new IceDriver(
      createNodePlatform(),
      { agent: { role }, gatherer },
      {
        handleEvent(event) {
          made.events.push(event);
          // As by signaling: later.
          setTimeout(() => tell(made, event, isTold), 2);
        },
        handleData: (bytes) => void made.received.push(bytes[1] ?? -1),
        handleError: (error) => {
          throw error;
        },
      },
    ),
  };
  return made;
}

function tell({ other }: Side, event: IceDriverEvent, isTold: (transport: string) => boolean): void {
  if (event.type === "candidate") {
    const attribute = writeLocalCandidate(event.candidate);
    if (isTold(attribute.transport)) other?.driver.addRemoteCandidate(attribute);
  }
  if (event.type === "gatheringStateChange" && event.state === "complete")
    other?.driver.endRemoteCandidates();
}

function introduce(a: Side, b: Side): void {
  a.driver.setRemoteParameters(b.driver.agent.localParameters);
  b.driver.setRemoteParameters(a.driver.agent.localParameters);
}

async function until(predicate: () => boolean): Promise<void> {
  const deadline = Date.now() + 8000;
  while (!predicate()) {
    if (Date.now() > deadline) throw new Error("what was waited for did not happen");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
