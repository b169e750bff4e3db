import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ClientMessage, Envelope } from "../src/protocol/index.ts";
import type { RegistryOptions, RegistrySnapshot } from "../src/room/registry-types.ts";
import { CoreWorld, type Incoming } from "./core-harness.ts";

/** A client as the protocol describes it, on a wire that may be cut with messages on it. */
class ModelClient {
  readonly #log: { readonly seq: number; readonly message: ClientMessage }[] = [];
  readonly #toServer: (ClientMessage & Envelope)[] = [];
  readonly #fromSeqs = new Map<string, number>();
  /** What was handled, by sender. */
  readonly delivered = new Map<string, string[]>();
  readonly self: string;
  readonly #session: string;
  #connection: number | undefined;
  #isJoined = true;
  #seq = 0;
  #received = 0;

  constructor(world: CoreWorld, connection: number) {
    const joined = world.theJoined(connection);
    this.self = joined.self;
    this.#session = joined.session;
    this.#connection = connection;
  }

  signal(to: string, text: string): void {
    this.#seq++;
    const message: ClientMessage = { type: "signal", to, signal: { kind: "reset", reason: text } };
    this.#log.push({ seq: this.#seq, message });
    if (this.#connection !== undefined && this.#isJoined) this.#post(this.#seq, message);
  }

  /** Sends again what may have been received already. */
  duplicate(): void {
    const oldest = this.#log[0];
    if (oldest !== undefined && this.#connection !== undefined && this.#isJoined) {
      this.#post(oldest.seq, oldest.message);
    }
  }

  /** Moves up to `count` messages each way. */
  exchange(world: CoreWorld, count: number): void {
    if (this.#connection === undefined) return;
    for (const message of this.#toServer.splice(0, count)) world.send(this.#connection, message);
    for (const message of world.wire(this.#connection).messages.splice(0, count)) this.#handle(message);
    if (world.wire(this.#connection).closed !== undefined) this.cut(world);
  }

  /** The connection breaks; what was on the wire is lost. */
  cut(world: CoreWorld): void {
    if (this.#connection === undefined) return;
    world.close(this.#connection);
    this.forgetConnection();
  }

  forgetConnection(): void {
    this.#connection = undefined;
    this.#toServer.length = 0;
  }

  reconnect(world: CoreWorld): void {
    // The clock moves, so that the limit on resumes does not get in the way of what is tested here.
    world.now += 1_000;
    this.forgetConnection();
    this.#isJoined = false;
    this.#connection = world.resume(this.#session, this.#received);
  }

  get isWhole(): boolean {
    return this.#log.length === 0;
  }

  #handle(message: Incoming): void {
    if (message.ack !== undefined) this.#acknowledged(message.ack);
    if (message.type === "joined") {
      expect(message).toMatchObject({ resumed: true, self: this.self });
      this.#isJoined = true;
      this.#acknowledged(message.received);
      for (const entry of this.#log) this.#post(entry.seq, entry.message);
    }
    if (message.seq !== undefined) {
      if (message.seq <= this.#received) return;
      expect(message.seq).toBe(this.#received + 1);
      this.#received = message.seq;
    }
    if (message.type === "error") throw new Error(`refused: ${message.code} ${message.message}`);
    if (message.type !== "signal" || message.signal.kind !== "reset") return;
    const { from, fromSeq = 0 } = message;
    if (fromSeq <= (this.#fromSeqs.get(from) ?? 0)) return;
    this.#fromSeqs.set(from, fromSeq);
    this.delivered.set(from, [...(this.delivered.get(from) ?? []), message.signal.reason]);
  }

  #acknowledged(ack: number): void {
    while (this.#log[0] !== undefined && this.#log[0].seq <= ack) this.#log.shift();
  }

  #post(seq: number, message: ClientMessage): void {
    this.#toServer.push({ ...message, seq, ack: this.#received });
  }
}

type Step =
  | { readonly step: "signal"; readonly from: number; readonly to: number }
  | { readonly step: "exchange"; readonly client: number; readonly count: number }
  | { readonly step: "cut" | "reconnect" | "duplicate"; readonly client: number }
  | { readonly step: "sweep" | "beginSave" | "endSave" | "crash" };

const client = fc.nat({ max: 2 });
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ step: fc.constant("signal" as const), from: client, to: client }) },
  {
    weight: 8,
    arbitrary: fc.record({ step: fc.constant("exchange" as const), client, count: fc.nat({ max: 4 }) }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ step: fc.constantFrom("cut", "reconnect", "duplicate"), client }),
  },
  { weight: 4, arbitrary: fc.record({ step: fc.constantFrom("sweep", "beginSave", "endSave") }) },
  { weight: 1, arbitrary: fc.record({ step: fc.constant("crash" as const) }) },
);

const PATIENT: Partial<RegistryOptions> = {
  resumeGraceMs: 1e9,
  heartbeatIntervalMs: 1e9,
  heartbeatTimeoutMs: 1e9,
};

function play(steps: readonly Step[], isDurable: boolean): void {
  const options = { ...PATIENT, isDurable };
  let world = new CoreWorld(options);
  const connections = [world.join(), world.join(), world.join()];
  let saved: RegistrySnapshot = world.save();
  let saving: { readonly revision: number; readonly snapshot: RegistrySnapshot } | undefined;
  const clients = connections.map((connection) => new ModelClient(world, connection));
  for (const connection of connections) world.take(connection);
  const sent = new Map<string, string[]>();
  let count = 0;

  function run(step: Step): void {
    switch (step.step) {
      case "signal": {
        const from = clients[step.from]!;
        const to = clients[step.to]!;
        if (from === to) return;
        const text = `m${++count}`;
        const key = `${from.self}>${to.self}`;
        sent.set(key, [...(sent.get(key) ?? []), text]);
        from.signal(to.self, text);
        return;
      }
      case "exchange":
        clients[step.client]!.exchange(world, step.count);
        return;
      case "cut":
        clients[step.client]!.cut(world);
        return;
      case "reconnect":
        clients[step.client]!.reconnect(world);
        return;
      case "duplicate":
        clients[step.client]!.duplicate();
        return;
      case "sweep":
        world.advance(100);
        return;
      case "beginSave": {
        if (saving !== undefined) return;
        const { revision, snapshot } = world.registry.beginSave();
        saving = { revision, snapshot: JSON.parse(JSON.stringify(snapshot)) };
        return;
      }
      case "endSave":
        if (saving === undefined) return;
        saved = saving.snapshot;
        world.registry.handleSaved(saving.revision);
        world.drain();
        saving = undefined;
        return;
      case "crash": {
        if (!isDurable) return;
        const { now } = world;
        world = new CoreWorld(options, saved, count + 2);
        world.now = now;
        saving = undefined;
        for (const each of clients) each.forgetConnection();
        return;
      }
      default:
        step satisfies never;
    }
  }

  for (const step of steps) run(step);
  run({ step: "endSave" });
  for (const each of clients) each.reconnect(world);
  for (let round = 0; round < 8; round++) {
    for (const each of clients) each.exchange(world, 10_000);
    run({ step: "beginSave" });
    run({ step: "endSave" });
    run({ step: "sweep" });
  }
  for (const to of clients) {
    for (const from of clients) {
      const key = `${from.self}>${to.self}`;
      expect(to.delivered.get(from.self) ?? []).toEqual(sent.get(key) ?? []);
    }
  }
  expect(clients.every((each) => each.isWhole)).toBe(true);
}

describe("reliable messages arrive exactly once and in order, both ways", () => {
  it("whatever connections break, resume or repeat themselves", () => {
    fc.assert(
      fc.property(fc.array(anyStep, { minLength: 30, maxLength: 120, size: "max" }), (steps) =>
        play(steps, false),
      ),
      { numRuns: 200 },
    );
  });

  it("even when the server is killed at any moment between and during saves", () => {
    fc.assert(
      fc.property(fc.array(anyStep, { minLength: 30, maxLength: 120, size: "max" }), (steps) =>
        play(steps, true),
      ),
      { numRuns: 200 },
    );
  });
});
