import type { Responder } from "multicast-dns";
import { IpAddress } from "../bytes/index.ts";
import type { MulticastDns } from "../platform/index.ts";

export interface NodeMdnsOptions {
  /** 5353 but in tests (RFC 6762 §3). */
  readonly port?: number;
  /** Address of the interface to use; all of them when left out. */
  readonly interface?: string;
}

/** When a name is asked for; an answer within the network takes milliseconds, and a packet may be lost. */
const ASK_AT_MS = [0, 250, 750];
const GIVE_UP_MS = 1500;

/** Names asked for at once. A description has a handful; one that has hundreds must not flood the network. */
const MAX_QUESTIONS = 64;

/** RFC 6762 §10: 120 seconds for names of hosts. */
const TTL_SECONDS = 120;

/** RFC 6762 §6: a record is not sent again within a second. */
const MIN_INTERVAL_MS = 1000;

interface Announced {
  readonly address: IpAddress;
  answeredAt: number;
}

/**
 * Multicast DNS for the names of ICE candidates. The socket is open only while a name is asked for or announced, so that it
 * keeps no process alive.
 *
 * @param now - A monotonic clock in milliseconds.
 */
export function createNodeMdns(now: () => number, options: NodeMdnsOptions = {}): MulticastDns {
  const questions = new Map<string, Set<(address: IpAddress | undefined) => void>>();
  const announced = new Map<string, Announced>();
  let responder: Promise<Responder | undefined> | undefined;

  async function open(): Promise<Responder | undefined> {
    const { default: createResponder } = await import("multicast-dns");
    const { port, interface: only } = options;
    const made = createResponder({
      ...(port !== undefined && { port }),
      ...(only !== undefined && { interface: only, bind: "0.0.0.0" }),
    });
    made.on("query", ({ questions: asked }) => {
      for (const { name, type } of asked) answer(made, name.toLowerCase(), type);
    });
    made.on("response", ({ answers }) => {
      for (const { name, data, type } of answers) {
        if ((type === "A" || type === "AAAA") && typeof data === "string") settle(name.toLowerCase(), data);
      }
    });
    // Without the port, or without multicast, names cannot be resolved: candidates with names are left out.
    made.on("error", () => undefined);
    made.on("warning", () => undefined);
    return made;
  }

  function use(): Promise<Responder | undefined> {
    responder ??= open().catch(() => undefined);
    return responder;
  }

  function closeWhenIdle(): void {
    if (questions.size > 0 || announced.size > 0 || responder === undefined) return;
    void responder.then((made) => made?.destroy());
    responder = undefined;
  }

  function answer(made: Responder, name: string, type: string): void {
    const entry = announced.get(name);
    if (entry === undefined || now() - entry.answeredAt < MIN_INTERVAL_MS) return;
    const own = entry.address.family === 4 ? "A" : "AAAA";
    if (type !== own && type !== "ANY") return;
    entry.answeredAt = now();
    made.respond([{ name, type: own, ttl: TTL_SECONDS, flush: true, data: entry.address.toString() }]);
  }

  function settle(name: string, data: string): void {
    const address = IpAddress.parse(data);
    const waiting = questions.get(name);
    if (waiting === undefined || address === undefined || address.isUnspecified) return;
    questions.delete(name);
    for (const resolve of waiting) resolve(address);
  }

  return {
    async resolve(hostname) {
      const name = hostname.toLowerCase();
      const own = announced.get(name);
      if (own !== undefined) return own.address;
      if (!questions.has(name) && questions.size >= MAX_QUESTIONS) return undefined;
      const address = await ask(name);
      closeWhenIdle();
      return address;
    },
    announce(hostname, address) {
      const name = hostname.toLowerCase();
      announced.set(name, { address, answeredAt: Number.NEGATIVE_INFINITY });
      void use();
      return () => {
        announced.delete(name);
        closeWhenIdle();
      };
    },
  };

  function ask(name: string): Promise<IpAddress | undefined> {
    return new Promise((resolve) => {
      const waiting = questions.get(name) ?? new Set();
      questions.set(name, waiting);
      const timers = ASK_AT_MS.map((delay) =>
        setTimeout(() => {
          void use().then((made) => {
            const types = ["A", "AAAA"];
            if (questions.has(name)) made?.query(types.map((type) => ({ name, type })));
          });
        }, delay),
      );
      const finish = (address: IpAddress | undefined): void => {
        for (const timer of timers) clearTimeout(timer);
        waiting.delete(finish);
        if (waiting.size === 0 && questions.get(name) === waiting) questions.delete(name);
        resolve(address);
      };
      timers.push(setTimeout(() => finish(undefined), GIVE_UP_MS));
      waiting.add(finish);
    });
  }
}
