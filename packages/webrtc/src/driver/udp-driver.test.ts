import { describe, expect, test } from "vitest";
import { type IncomingDatagram, IpAddress, TransportAddress } from "../bytes/index.ts";
import { PacketArena, type PacketSlot } from "../kernel/index.ts";
import { createNodePlatform } from "../node/index.ts";
import type { Platform, UdpHandler, UdpIo } from "../platform/index.ts";
import type { Core, Millis } from "../sansio/index.ts";
import { UdpDriver, type UdpTransmit } from "./index.ts";

const LOCAL = new TransportAddress(IpAddress.fromBytes(new Uint8Array([10, 0, 0, 1])), 1000);
const REMOTE = new TransportAddress(IpAddress.fromBytes(new Uint8Array([10, 0, 0, 2])), 2000);

/** A platform that does nothing by itself: the test is the network and the clock. */
class Bench {
  readonly log: string[] = [];
  readonly handlers: UdpHandler[] = [];
  time: Millis = 100;
  deadline: Millis = Number.POSITIVE_INFINITY;
  fire: () => void = () => undefined;
  readonly platform: Platform = {
    ...createNodePlatform(),
    now: () => this.time,
    createTimer: (onTimer) => {
      this.fire = onTimer;
      return {
        arm: (at) => {
          this.deadline = at;
        },
        close: () => void this.log.push("timer closed"),
      };
    },
    bindUdp: (_options, handler) => {
      this.handlers.push(handler);
      return Promise.resolve(this.#createSocket(this.handlers.length));
    },
  };

  get handler(): UdpHandler {
    const handler = this.handlers[0];
    if (handler === undefined) throw new Error("nothing is bound");
    return handler;
  }

  #createSocket(number: number): UdpIo {
    return {
      localAddress: LOCAL,
      send: (bytes) => void this.log.push(`send ${bytes[0]} by ${number}`),
      sendSlot: (slot) => {
        this.log.push(`send slot by ${number}`);
        slot.arena.release(slot);
      },
      queuedBytes: 0,
      refusedCount: 0,
      close: () => void this.log.push(`socket ${number} closed`),
    };
  }
}

/** A core whose outputs the test puts in. */
class TestCore implements Core<IncomingDatagram, UdpTransmit, string> {
  readonly transmits: UdpTransmit[] = [];
  readonly events: string[] = [];
  readonly inputs: IncomingDatagram[] = [];
  timeouts: Millis[] = [];
  deadline: Millis = Number.POSITIVE_INFINITY;
  onInput: () => void = () => undefined;

  handleInput(input: IncomingDatagram): void {
    this.inputs.push(input);
    this.onInput();
  }
  handleTimeout(now: Millis): void {
    this.timeouts.push(now);
  }
  pollTransmit(): UdpTransmit | undefined {
    return this.transmits.shift();
  }
  pollEvent(): string | undefined {
    return this.events.shift();
  }
  pollTimeout(): Millis {
    return this.deadline;
  }
}

function datagram(first: number, socket = 1): UdpTransmit {
  return { bytes: new Uint8Array([first]), to: REMOTE, socket };
}

async function start(handleEvent?: (event: string) => void): Promise<{
  bench: Bench;
  core: TestCore;
  driver: UdpDriver<string>;
}> {
  const bench = new Bench();
  const core = new TestCore();
  const driver = new UdpDriver(bench.platform, core, {
    handleEvent: (event) => {
      bench.log.push(event);
      handleEvent?.(event);
    },
    handleError: (error) => void bench.log.push(`error: ${error.message}`),
  });
  await driver.bind({ address: LOCAL.ip, port: 0 });
  return { bench, core, driver };
}

describe("a turn", () => {
  test("hands datagrams to the core with their socket and drains at the end of the batch", async () => {
    const { bench, core, driver } = await start();
    core.onInput = () => core.transmits.push(datagram(core.inputs.length));
    bench.handler.handleDatagram(new Uint8Array([1]), REMOTE);
    bench.handler.handleDatagram(new Uint8Array([2]), REMOTE);
    expect(bench.log).toEqual([]);
    bench.handler.handleBatchEnd();
    expect(bench.log).toEqual(["send 1 by 1", "send 2 by 1"]);
    expect(core.inputs.map(({ socket, from }) => [socket, from])).toEqual([
      [1, REMOTE],
      [1, REMOTE],
    ]);
    expect(driver.localAddress(1)).toBe(LOCAL);
  });

  test("drains every transmit before each event", async () => {
    const { bench, core, driver } = await start((event) => core.transmits.push(datagram(event.length)));
    core.transmits.push(datagram(9));
    core.events.push("a", "bb");
    driver.pump();
    expect(bench.log).toEqual(["send 9 by 1", "a", "send 1 by 1", "bb", "send 2 by 1"]);
  });

  test("is not entered again by a handler that pumps, and drains what the handler brought about", async () => {
    const { bench, core, driver } = await start((event) => {
      if (event === "first") core.events.push("second");
      driver.pump();
      bench.log.push(`end of ${event}`);
    });
    core.events.push("first");
    driver.pump();
    expect(bench.log).toEqual(["first", "end of first", "second", "end of second"]);
  });

  test("arms the timer last, for the deadline of the core", async () => {
    const { bench, core, driver } = await start(() => {
      core.deadline = 777;
    });
    expect(bench.deadline).toBe(Number.POSITIVE_INFINITY);
    core.events.push("event");
    driver.pump();
    expect(bench.deadline).toBe(777);
  });

  test("comes when the timer fires, with the time of the platform", async () => {
    const { bench, core } = await start();
    bench.time = 500;
    core.events.push("due");
    bench.fire();
    expect(core.timeouts).toEqual([500]);
    expect(bench.log).toEqual(["due"]);
  });
});

describe("sockets", () => {
  test("have ids of their own; a datagram leaves by the one it names", async () => {
    const { bench, core, driver } = await start();
    expect(await driver.bind({ address: LOCAL.ip, port: 0 })).toBe(2);
    core.transmits.push(datagram(1, 2), datagram(2, 1));
    driver.pump();
    expect(bench.log).toEqual(["send 1 by 2", "send 2 by 1"]);
  });

  test("that are closed or never were lose what is sent by them, and slots are released", async () => {
    const { bench, core, driver } = await start();
    const arena = new PacketArena(2);
    const slot = acquire(arena);
    slot.socket = 1;
    driver.closeSocket(1);
    core.transmits.push(slot, datagram(1, 1), datagram(2, 99));
    driver.pump();
    expect(bench.log).toEqual(["socket 1 closed"]);
    expect(arena.inUse).toBe(0);
    expect(driver.localAddress(1)).toBeUndefined();
  });

  test("that finish binding after the driver has closed are closed, too", async () => {
    const { bench, driver } = await start();
    const late = driver.bind({ address: LOCAL.ip, port: 0 });
    driver.close();
    await late;
    expect(bench.log).toEqual(["timer closed", "socket 1 closed", "socket 2 closed"]);
    expect(driver.localAddress(2)).toBeUndefined();
  });

  test("that fail close the driver, which says why", async () => {
    const { bench } = await start();
    bench.handler.handleError(new Error("gone"));
    expect(bench.log).toEqual(["timer closed", "socket 1 closed", "error: gone"]);
  });
});

describe("closing", () => {
  test("sends what is waiting first, and happens once", async () => {
    const { bench, core, driver } = await start();
    core.transmits.push(datagram(1));
    driver.close();
    driver.close();
    expect(bench.log).toEqual(["send 1 by 1", "timer closed", "socket 1 closed"]);
  });

  test("from within an event handler ends the turn", async () => {
    const { bench, core, driver } = await start(() => driver.close());
    core.events.push("first", "second");
    core.deadline = 5;
    driver.pump();
    expect(bench.log).toEqual(["first", "timer closed", "socket 1 closed"]);
    expect(bench.deadline).toBe(Number.POSITIVE_INFINITY);
  });

  test("is the end: no input, timer or command has an effect afterwards", async () => {
    const { bench, core, driver } = await start();
    driver.close();
    bench.log.splice(0);
    core.events.push("late");
    bench.handler.handleBatchEnd();
    bench.handler.handleError(new Error("late"));
    driver.pump();
    expect(bench.log).toEqual([]);
  });
});

describe("a core that throws", () => {
  test.each([
    ["on input", { onInput: fail }],
    ["when it is drained", { pollEvent: fail }],
    ["when it is asked to send", { pollTransmit: fail }],
    ["when it is asked for its deadline", { pollTimeout: fail }],
    ["at a timeout", { handleTimeout: fail }],
  ])("%s ends alone: the driver closes, says so once, and nothing is thrown", async (_name, broken) => {
    const { bench, core } = await start();
    Object.assign(core, broken);
    bench.handler.handleDatagram(new Uint8Array([1]), REMOTE);
    bench.handler.handleBatchEnd();
    bench.fire();
    expect(bench.log).toEqual(["timer closed", "socket 1 closed", "error: broken core"]);
  });
});

function fail(): never {
  throw new Error("broken core");
}

function acquire(arena: PacketArena): PacketSlot {
  const slot = arena.acquire();
  if (slot === undefined) throw new Error("the arena is exhausted");
  return slot;
}
