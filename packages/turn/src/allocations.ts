import { copyBytes, type IpFamily, type SocketId, type TransportAddress, toHex } from "@naru/webrtc/bytes";
import { type AskId, type Environment, type Millis, randomBytes, type WheelEntry } from "@naru/webrtc/sansio";
import {
  ADDRESS_ERROR_CODE,
  ERROR_CODE,
  LIFETIME,
  RESERVATION_TOKEN,
  StunErrorNumber,
  XOR_MAPPED_ADDRESS,
  XOR_RELAYED_ADDRESS,
} from "@naru/webrtc/stun";
import { RESERVATION_LIFETIME_MS } from "@naru/webrtc/turn";
import type { AllocatePlan } from "./allocate-request.ts";
import { Allocation, type AllocationLimits, type Client, type Identity, type Relay } from "./allocation.ts";
import { AllocationTable } from "./allocation-table.ts";
import type { TurnCounters } from "./counters.ts";
import type { Deadlines } from "./deadlines.ts";
import type { EventQueue } from "./events.ts";
import type { Outbox, Question } from "./outbox.ts";
import type { PeerGuard } from "./peer-guard.ts";
import type { PortRange } from "./port-pool.ts";
import { Quota, type QuotaOptions } from "./quota.ts";
import {
  type BoundRelay,
  type GrantedRelay,
  type RelayAddress,
  RelayMaker,
  type RelayProgress,
} from "./relay-maker.ts";

export interface AllocationsOptions {
  readonly relayAddresses: readonly RelayAddress[];
  readonly ports: PortRange;
  readonly quota: QuotaOptions;
  readonly limits: AllocationLimits;
}

/** What the parts of the server share. */
export interface ServerParts {
  readonly environment: Environment;
  readonly deadlines: Deadlines;
  readonly outbox: Outbox;
  readonly events: EventQueue;
  readonly guard: PeerGuard;
  readonly counters: TurnCounters;
}

/** An Allocate request whose sockets are being made. */
interface Pending {
  readonly allocation: Allocation;
  readonly question: Question;
  readonly plan: AllocatePlan;
}

/** A port held for a later request (RFC 8656 §7.2): half of an EVEN-PORT pair. */
interface Reservation {
  readonly relay: BoundRelay;
  readonly user: string;
  readonly client: Client;
  readonly entry: WheelEntry;
}

/** A relay socket that belongs to no allocation (any more, or yet): what comes in on it is nobody's. */
export const HELD = "held";

/** Makes, keeps and ends allocations (RFC 8656 §7, §8). */
export class Allocations {
  readonly table: AllocationTable = new AllocationTable();
  readonly maker: RelayMaker<Pending>;
  readonly #parts: ServerParts;
  readonly #limits: AllocationLimits;
  readonly #quota: Quota;
  readonly #sockets = new Map<SocketId, Relay | typeof HELD>();
  readonly #reservations = new Map<string, Reservation>();
  /** The token that went out with an allocation, for the repetition of its answer. */
  readonly #tokens = new WeakMap<Allocation, Uint8Array>();
  /** Told when an allocation is gone, by whoever has things that go with it. */
  readonly ended: Allocation[] = [];

  constructor(parts: ServerParts, options: AllocationsOptions) {
    this.#parts = parts;
    this.#limits = options.limits;
    this.#quota = new Quota(options.quota);
    this.maker = new RelayMaker(options.relayAddresses, options.ports, parts.environment.random);
  }

  /** What a relay socket belongs to; undefined when it is none of ours. */
  relayOf(socket: SocketId): Relay | typeof HELD | undefined {
    return this.#sockets.get(socket);
  }

  get reservationCount(): number {
    return this.#reservations.size;
  }

  get userCount(): number {
    return this.#quota.userCount;
  }

  /**
   * Begins an allocation. Its answer is sent when the sockets are there.
   *
   * @returns the number of the error to answer with instead.
   */
  create(question: Question, identity: Identity, plan: AllocatePlan, now: Millis): number | undefined {
    const { counters } = this.#parts;
    const reserved = plan.token === undefined ? undefined : this.#reservations.get(toHex(plan.token));
    // RFC 8656 §7.2 step 5. A token is somebody's: it is good in the hands of the user who got it.
    if (plan.token !== undefined && reserved?.user !== identity.user) {
      counters.capacityRefused++;
      return StunErrorNumber.insufficientCapacity;
    }
    const allocation = new Allocation(
      question.client,
      identity,
      question.transactionId,
      plan.transport,
      this.#limits,
      now,
    );
    if (reserved !== undefined && plan.token !== undefined) {
      // It has been counted since it was reserved.
      this.#forgetReservation(toHex(plan.token), reserved);
      this.#quota.release(reserved.user, reserved.client.address.ip);
    }
    const refusal = this.#quota.take(
      identity.user,
      question.client.address.ip,
      identity.restrictions?.maxAllocations,
    );
    if (refusal !== undefined) {
      if (reserved !== undefined) this.#close(reserved.relay, "udp");
      if (refusal === "total") {
        counters.capacityRefused++;
        return StunErrorNumber.insufficientCapacity;
      }
      counters.quotaRefused++;
      return StunErrorNumber.allocationQuotaReached;
    }
    this.table.add(allocation);
    const pending = { allocation, question, plan };
    if (reserved !== undefined) {
      this.#complete(pending, [{ relay: reserved.relay, reserved: undefined }], now);
      return undefined;
    }
    this.#follow(this.maker.begin(pending, plan.transport, plan.wishes), now);
    return undefined;
  }

  handleRelayBound(id: AskId, socket: SocketId, now: Millis): void {
    // Before anything else: what arrives on it is a peer's, never a client's.
    this.#sockets.set(socket, HELD);
    const progress = this.maker.handleBound(id, socket);
    if (progress.type === "unknown") this.#closeSocket(socket);
    else this.#follow(progress, now);
  }

  handleRelayFailed(id: AskId, now: Millis): void {
    const progress = this.maker.handleFailed(id);
    if (progress.type !== "unknown") this.#follow(progress, now);
  }

  /** A relay socket has failed: what was relayed by it is over. */
  handleSocketLost(socket: SocketId): void {
    const relay = this.#sockets.get(socket);
    if (relay === undefined || relay === HELD) return;
    this.removeRelay(relay);
  }

  /** Sends the answer to the Allocate request that made the allocation, again (RFC 8656 §7.2). */
  answerAgain(question: Question, allocation: Allocation, now: Millis): void {
    this.#answer(question, allocation, [], now);
  }

  /** Sets how long relayed addresses live on: of one family, or all. */
  refresh(allocation: Allocation, family: IpFamily | undefined, lifetimeSeconds: number, now: Millis): void {
    for (const relay of [...allocation.relays]) {
      if (family !== undefined && relay.family !== family) continue;
      if (lifetimeSeconds === 0) {
        this.removeRelay(relay);
        continue;
      }
      relay.expiresAt = now + lifetimeSeconds * 1000;
      this.#parts.deadlines.arm(relay.entry, relay.expiresAt);
    }
  }

  /** Ends an allocation with all that it has. */
  remove(allocation: Allocation): void {
    for (const relay of [...allocation.relays]) this.#dropRelay(relay);
    this.#end(allocation);
  }

  /** RFC 8656 §8.1: what belongs to the other family stays. */
  removeRelay(relay: Relay): void {
    const { allocation, family } = relay;
    this.#dropRelay(relay);
    allocation.permissions.removeFamily(family);
    allocation.channels.removeFamily(family);
    if (allocation.relays.length === 0) this.#end(allocation);
  }

  /** Everything of one user, reservations too. */
  removeUser(user: string): void {
    for (const allocation of [...this.table]) if (allocation.user === user) this.remove(allocation);
    for (const [token, reservation] of [...this.#reservations]) {
      if (reservation.user === user) this.#endReservation(token, reservation);
    }
  }

  removeAll(): void {
    for (const allocation of [...this.table]) this.remove(allocation);
    for (const [token, reservation] of [...this.#reservations]) this.#endReservation(token, reservation);
  }

  #follow(progress: RelayProgress<Pending>, now: Millis): void {
    for (const socket of this.maker.discarded.splice(0)) this.#closeSocket(socket);
    switch (progress.type) {
      case "waiting":
        for (const ask of progress.asks) this.#parts.events.push({ type: "bindRelay", ...ask });
        return;
      case "done":
        this.#complete(progress.context, progress.granted, now);
        return;
      case "unknown":
        return;
      default:
        progress satisfies never;
    }
  }

  /** The sockets are there, or are not to be had. */
  #complete(pending: Pending, granted: readonly (GrantedRelay | undefined)[], now: Millis): void {
    const { allocation, question, plan } = pending;
    const { counters } = this.#parts;
    const isAlive = this.table.find(allocation.client.socket, allocation.client.address) === allocation;
    const found = granted.flatMap((grant) => grant ?? []);
    if (!isAlive || found.length === 0) {
      for (const { relay, reserved } of found) {
        this.#close(relay, plan.transport);
        if (reserved !== undefined) this.#close(reserved, plan.transport);
      }
      if (!isAlive) return;
      counters.capacityRefused++;
      this.#end(allocation);
      this.#parts.outbox.answer(question, "error", (builder) => {
        builder.add(ERROR_CODE, { code: StunErrorNumber.insufficientCapacity, reason: "" });
      });
      return;
    }
    for (const { relay, reserved } of found) {
      this.#addRelay(allocation, relay, plan.lifetimeSeconds, now);
      if (reserved !== undefined) this.#reserve(allocation, reserved, now);
    }
    if (plan.transport === "udp") counters.allocationsUdp++;
    else counters.allocationsTcp++;
    this.#parts.environment.log.info("TURN allocation made", {
      transport: plan.transport,
      client: allocation.client.transport,
      allocations: this.table.size,
    });
    this.#answer(question, allocation, failuresOf(plan, granted), now);
  }

  #addRelay(allocation: Allocation, bound: BoundRelay, lifetimeSeconds: number, now: Millis): void {
    const relay: Relay = {
      allocation,
      family: bound.family,
      address: bound.address,
      socket: bound.socket,
      expiresAt: now + lifetimeSeconds * 1000,
      entry: { onDeadline: () => this.removeRelay(relay) },
    };
    allocation.relays.push(relay);
    this.#sockets.set(bound.socket, relay);
    this.#parts.deadlines.arm(relay.entry, relay.expiresAt);
    if (allocation.transport === "udp") this.#parts.guard.addRelay(relay);
    else this.#parts.guard.addStream(relay.address);
  }

  #dropRelay(relay: Relay): void {
    const { allocation } = relay;
    this.#parts.deadlines.disarm(relay.entry);
    allocation.relays.splice(allocation.relays.indexOf(relay), 1);
    if (allocation.transport === "udp") this.#parts.guard.removeRelay(relay);
    else this.#parts.guard.removeStream(relay.address);
    this.#close(relay, allocation.transport);
  }

  #end(allocation: Allocation): void {
    this.table.remove(allocation);
    this.#quota.release(allocation.user, allocation.client.address.ip);
    this.ended.push(allocation);
    this.#parts.environment.log.info("TURN allocation ended", { allocations: this.table.size });
  }

  #reserve(allocation: Allocation, relay: BoundRelay, now: Millis): void {
    const { client, user } = allocation;
    // A held port counts like an allocation; where there is no room for it, the client gets none held.
    if (this.#quota.take(user, client.address.ip) !== undefined) {
      this.#close(relay, "udp");
      return;
    }
    const token = randomBytes(this.#parts.environment.random, 8);
    const key = toHex(token);
    const entry: WheelEntry = { onDeadline: () => this.#endReservation(key, reservation) };
    const reservation: Reservation = { relay, user, client, entry };
    this.#reservations.set(key, reservation);
    this.#tokens.set(allocation, token);
    this.#parts.deadlines.arm(entry, now + RESERVATION_LIFETIME_MS);
  }

  #forgetReservation(key: string, reservation: Reservation): void {
    this.#parts.deadlines.disarm(reservation.entry);
    this.#reservations.delete(key);
  }

  #endReservation(key: string, reservation: Reservation): void {
    this.#forgetReservation(key, reservation);
    this.#quota.release(reservation.user, reservation.client.address.ip);
    this.#close(reservation.relay, "udp");
  }

  #close(
    relay: { readonly socket: SocketId; readonly family: IpFamily; readonly address: TransportAddress },
    transport: "udp" | "tcp",
  ): void {
    this.maker.release(transport, relay.family, relay.address.port);
    this.#closeSocket(relay.socket);
  }

  #closeSocket(socket: SocketId): void {
    this.#sockets.delete(socket);
    this.#parts.events.push({ type: "closeRelay", socket });
  }

  #answer(
    question: Question,
    allocation: Allocation,
    failures: readonly { readonly family: IpFamily; readonly code: number }[],
    now: Millis,
  ): void {
    const lives = allocation.relays.map(({ expiresAt }) => expiresAt - now);
    this.#parts.outbox.answer(question, "success", (builder) => {
      for (const { address } of allocation.relays) builder.add(XOR_RELAYED_ADDRESS, address);
      builder.add(LIFETIME, Math.max(0, Math.ceil(Math.min(...lives) / 1000)));
      const token = this.#tokens.get(allocation);
      if (token !== undefined) builder.add(RESERVATION_TOKEN, copyBytes(token));
      builder.add(XOR_MAPPED_ADDRESS, allocation.client.address);
      for (const { family, code } of failures) builder.add(ADDRESS_ERROR_CODE, { family, code, reason: "" });
    });
  }
}

/** Families of a dual allocation that did not come about (RFC 8656 §7.2 step 9). */
function failuresOf(
  plan: AllocatePlan,
  granted: readonly (GrantedRelay | undefined)[],
): readonly { readonly family: IpFamily; readonly code: number }[] {
  return [
    ...plan.unsupported.map((family) => ({ family, code: StunErrorNumber.addressFamilyNotSupported })),
    ...plan.wishes
      .filter((_wish, i) => granted[i] === undefined && plan.token === undefined)
      .map(({ family }) => ({ family, code: StunErrorNumber.insufficientCapacity })),
  ];
}
