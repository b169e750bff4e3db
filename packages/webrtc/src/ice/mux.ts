import type { IncomingDatagram, SocketId, TransportAddress } from "../bytes/index.ts";
import { StunMessage, safeDecodeStunMessage, USERNAME } from "../stun/index.ts";

/** Remote addresses that one agent may come from. */
const MAX_ADDRESSES_PER_AGENT = 64;

/**
 * Which of several agents on one socket a datagram is for (RFC 8445 §7.3: the user name of a request begins with the fragment
 * of the one it is for). An address belongs to an agent from its first authentic check on; the owner says so by
 * {@link learn}, so that nobody can take an address away without the password.
 */
export class IceMux<Agent> {
  readonly #byFragment = new Map<string, Agent>();
  readonly #byAddress = new Map<string, Agent>();
  readonly #addresses = new Map<Agent, string[]>();
  readonly #message = new StunMessage();

  /** How many fragments there are. */
  get size(): number {
    return this.#byFragment.size;
  }

  /**
   * Requests for this fragment are the agent's from now on; after a restart it has several.
   *
   * @throws {RangeError} when another agent has it.
   */
  add(usernameFragment: string, agent: Agent): void {
    const other = this.#byFragment.get(usernameFragment);
    if (other !== undefined && other !== agent)
      throw new RangeError("another agent has this usernameFragment");
    this.#byFragment.set(usernameFragment, agent);
  }

  /** An agent is gone, with its fragments and addresses. */
  remove(agent: Agent): void {
    for (const [fragment, other] of this.#byFragment) if (other === agent) this.#byFragment.delete(fragment);
    for (const key of this.#addresses.get(agent) ?? []) {
      if (this.#byAddress.get(key) === agent) this.#byAddress.delete(key);
    }
    this.#addresses.delete(agent);
  }

  /** An authentic check of the agent's peer came from there, or an answer: what else comes from there is the agent's. */
  learn(agent: Agent, socket: SocketId, from: TransportAddress): void {
    const key = keyOf(socket, from);
    if (this.#byAddress.get(key) === agent) return;
    const keys = this.#addresses.get(agent) ?? [];
    this.#addresses.set(agent, keys);
    keys.push(key);
    this.#byAddress.set(key, agent);
    if (keys.length <= MAX_ADDRESSES_PER_AGENT) return;
    const oldest = keys.shift();
    if (oldest !== undefined && this.#byAddress.get(oldest) === agent) this.#byAddress.delete(oldest);
  }

  /** Whose the datagram is: a request's by its user name, all else by where it came from; undefined for nobody's. */
  find({ bytes, from, socket }: IncomingDatagram): Agent | undefined {
    const fragment = this.#fragmentOf(bytes);
    if (fragment !== undefined) return this.#byFragment.get(fragment);
    return this.#byAddress.get(keyOf(socket, from));
  }

  /** The first part of a request's user name. */
  #fragmentOf(bytes: Uint8Array): string | undefined {
    // RFC 7983 §7: STUN begins with 0 to 3; a Binding request with 0x0001.
    if (bytes[0] !== 0 || bytes[1] !== 1) return undefined;
    const message = safeDecodeStunMessage(bytes, this.#message);
    if (typeof message === "string") return undefined;
    const username = message.get(USERNAME);
    const colon = username?.indexOf(":") ?? -1;
    return colon === -1 ? undefined : username?.slice(0, colon);
  }
}

function keyOf(socket: SocketId, from: TransportAddress): string {
  return `${socket} ${from.key}`;
}
