/**
 * Two people in a room of their own who have nothing to do with an attack. Whatever happens elsewhere, they keep
 * their connections and reach each other, quickly.
 */
import { expect } from "vitest";
import { eventually, type TestServer } from "./server.ts";
import { SignalingPeer } from "./signaling-peer.ts";

/** Others wait no longer than this for the server while somebody attacks it. */
export const MAX_LATENCY_MS = 50;

/**
 * What attacks may add to the server's memory, one after the other, compiled code included. V8 hands little back once it
 * has used it, so what counts is that no attack raises it further.
 */
export const MAX_GROWTH_BYTES: number = 192 * 1024 * 1024;

export class Bystanders {
  readonly #server: TestServer;
  readonly #first: SignalingPeer;
  readonly #second: SignalingPeer;
  readonly #secondId: string;
  readonly #residentBefore: number;
  #said = 0;

  private constructor(server: TestServer, first: SignalingPeer, second: SignalingPeer, secondId: string) {
    this.#server = server;
    this.#first = first;
    this.#second = second;
    this.#secondId = secondId;
    this.#residentBefore = server.residentBytes;
  }

  static async join(server: TestServer): Promise<Bystanders> {
    const room = `bystanders-${Math.random().toString(36).slice(2, 10)}`;
    const first = await SignalingPeer.join(server.signalingUrl, room, "first");
    const second = await SignalingPeer.join(server.signalingUrl, room, "second");
    return new Bystanders(server, first.peer, second.peer, second.joined.self);
  }

  /** Round trips to the server, in ms, sorted. */
  async latencies(count: number): Promise<number[]> {
    const measured: number[] = [];
    for (let i = 0; i < count; i++) measured.push(await this.#first.ping());
    return measured.sort((a, b) => a - b);
  }

  /** Fails unless both are as they were: connected, reaching each other, and the server no bigger than it may be. */
  async expectUntouched(): Promise<void> {
    expect(this.#server.isRunning, this.#server.output.slice(-2_000)).toBe(true);
    expect(this.#first.closed).toBeUndefined();
    expect(this.#second.closed).toBeUndefined();
    const reason = `still here ${++this.#said}`;
    this.#first.sendReliable({ type: "signal", to: this.#secondId, signal: { kind: "reset", reason } });
    await this.#second.next(
      "signal",
      ({ signal }) => signal.kind === "reset" && signal.reason === reason,
      MAX_LATENCY_MS * 40,
    );
    // Memory goes back at the next collection, which may take a moment.
    await eventually(
      `the server's memory to return to within ${MAX_GROWTH_BYTES >> 20} MiB of ${this.#residentBefore >> 20} MiB`,
      () => this.#server.residentBytes - this.#residentBefore < MAX_GROWTH_BYTES,
      10_000,
    );
  }

  leave(): void {
    this.#first.close();
    this.#second.close();
  }
}
