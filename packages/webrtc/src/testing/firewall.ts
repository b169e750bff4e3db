import type { Millis } from "../sansio/index.ts";
import type { Packet, TransportProtocol } from "./packet.ts";

/** What a firewall lets through. */
export interface FirewallRules {
  /** UDP from inside: to everywhere, to nowhere, or to these ports only. */
  readonly udp: boolean | readonly number[];
  /** TCP from inside, likewise. */
  readonly tcp: boolean | readonly number[];
  /** What may come in: anything the rules above name, or only answers to what went out (a stateful firewall). */
  readonly inbound: "all" | "answers";
  /** How long after the last packet an answer is still one. RFC 4787 REQ-5 asks two minutes of NATs at least. */
  readonly stateTimeoutMs: number;
}

/** Rules as they are met in the field. */
export const FIREWALL_PRESETS: {
  /** Everything goes out, only answers come in: nearly every home and every IPv6 router. */
  readonly outboundOnly: FirewallRules;
  /** No UDP at all; TCP goes out. */
  readonly blockUdp: FirewallRules;
  /** Web only: TCP to 80 and 443. */
  readonly webOnly: FirewallRules;
  /** Nothing passes. */
  readonly blockAll: FirewallRules;
} = {
  outboundOnly: { udp: true, tcp: true, inbound: "answers", stateTimeoutMs: 120_000 },
  blockUdp: { udp: false, tcp: true, inbound: "answers", stateTimeoutMs: 120_000 },
  webOnly: { udp: false, tcp: [80, 443], inbound: "answers", stateTimeoutMs: 120_000 },
  blockAll: { udp: false, tcp: false, inbound: "answers", stateTimeoutMs: 120_000 },
};

/** Conversations remembered; beyond, the oldest is forgotten. */
const MAXIMUM_STATES = 65_536;

/** A firewall between an inside and an outside. It drops without a word. Rules may change while running. */
export class Firewall {
  rules: FirewallRules;
  /** `protocol inside outside` to the time of the last packet. */
  readonly #states = new Map<string, Millis>();

  constructor(rules: FirewallRules) {
    this.rules = rules;
  }

  /** Decides about a packet from inside. @returns why it is dropped, or undefined. */
  checkOutbound(packet: Packet, now: Millis): string | undefined {
    const key = `${packet.protocol} ${packet.source} ${packet.destination}`;
    if (this.rules[packet.protocol] === false) return `${packet.protocol} is blocked`;
    // An answer to what was let in belongs to that conversation, whatever its port.
    if (!this.#isOpen(packet.protocol, packet.destination.port) && !this.#isKnown(key, now)) {
      return `${packet.protocol} to port ${packet.destination.port} is blocked`;
    }
    this.#remember(key, now);
    return undefined;
  }

  /** Decides about a packet from outside. @returns why it is dropped, or undefined. */
  checkInbound(packet: Packet, now: Millis): string | undefined {
    const key = `${packet.protocol} ${packet.destination} ${packet.source}`;
    if (this.rules[packet.protocol] === false) return `${packet.protocol} is blocked`;
    if (this.#isKnown(key, now)) {
      this.#remember(key, now);
      return undefined;
    }
    if (this.rules.inbound === "answers") return `unsolicited ${packet.protocol}`;
    if (!this.#isOpen(packet.protocol, packet.destination.port)) {
      return `${packet.protocol} to port ${packet.destination.port} is blocked`;
    }
    this.#remember(key, now);
    return undefined;
  }

  /** Forgets all conversations, as a restart does. */
  forget(): void {
    this.#states.clear();
  }

  #isOpen(protocol: TransportProtocol, port: number): boolean {
    const ports = this.rules[protocol];
    return typeof ports === "boolean" ? ports : ports.includes(port);
  }

  #isKnown(key: string, now: Millis): boolean {
    const last = this.#states.get(key);
    return last !== undefined && now - last <= this.rules.stateTimeoutMs;
  }

  #remember(key: string, now: Millis): void {
    if (!this.#states.has(key) && this.#states.size >= MAXIMUM_STATES) {
      for (const oldest of this.#states.keys()) {
        this.#states.delete(oldest);
        break;
      }
    }
    this.#states.set(key, now);
  }
}
