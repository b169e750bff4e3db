import { type IpAddress, TransportAddress } from "../bytes/index.ts";
import { type AskId, type Millis, type RandomSource, randomUnit } from "../sansio/index.ts";
import {
  attributeValue,
  type StunClientEvent,
  type StunErrorValue,
  StunMethod,
  type StunRequest,
  XOR_PEER_ADDRESS,
} from "../stun/index.ts";
import type { TurnTransmit } from "./client-options.ts";
import { PERMISSION_LIFETIME_MS } from "./lifetimes.ts";

/** Leave for peers with one IP address to send to us (RFC 8656 §9), as the client sees it. */
export interface ClientPermission {
  readonly ip: IpAddress;
  /** Refreshed for as long as the allocation lives, whether or not it is used. */
  isKept: boolean;
  /** When something was last sent to, or received from, this address. */
  usedAt: Millis;
  /** Installed until then; in the past when it is not. */
  expiresAt: Millis;
  /** When to ask for it (again). */
  dueAt: Millis;
  /** The server is being asked. */
  isAsked: boolean;
  /** A request for it and others was refused: it is asked for alone, to see which one the server does not want. */
  isAlone: boolean;
  /** Refused: not asked for again before then. */
  refusedUntil: Millis;
  /** The owner knows that it was granted. */
  isAnnounced: boolean;
  /** What waits for it, in order; at most {@link MAX_WAITING}. */
  readonly waiting: TurnTransmit[];
}

/** What an answer to a CreatePermission request did. */
export interface PermissionOutcome {
  readonly granted: readonly ClientPermission[];
  /** One at most: of several it is not known which one was meant. */
  readonly refused: ClientPermission | undefined;
  readonly error: StunErrorValue | undefined;
  /** Not answered, and nothing installed: what waits for these is lost. */
  readonly failed: readonly ClientPermission[];
}

/** What waits for one permission: the first checks of a candidate pair, or a flight of DTLS. */
export const MAX_WAITING = 16;

/** A call has one or two remote addresses and tries a dozen; addresses come from the other side, so they have a limit. */
export const MAX_CLIENT_PERMISSIONS = 64;

/** Addresses in one request: it stays far below any MTU. */
const MAX_BATCH = 16;

/** Requests under way at once. */
const MAX_REQUESTS = 8;

/** Refreshed so long before it expires; a request over UDP is given up after 39.5 seconds. */
const REFRESH_MARGIN_MS = 60_000;

/** Up to so much earlier still, so that clients do not keep in step. */
const REFRESH_JITTER_MS = 15_000;

/** Permissions that are due within this time share a request. */
const SHARED_WINDOW_MS = 30_000;

/** After a request without an answer. */
const RETRY_MS = 1_000;

/**
 * The permissions of one allocation (RFC 8656 §9, §10): asked for when they are first needed, several in one request, and
 * refreshed while they are used or kept.
 */
export class ClientPermissions {
  readonly #random: RandomSource;
  readonly #permissions = new Map<string, ClientPermission>();
  readonly #asked = new Map<AskId, readonly ClientPermission[]>();
  /** None is due before this moment: they are looked through again when it has passed. */
  #nextDue: Millis = Number.POSITIVE_INFINITY;

  constructor(random: RandomSource) {
    this.#random = random;
  }

  /**
   * The permission for `ip`, asked for when it is not there; undefined when there are too many.
   *
   * @param ip - Of any form; its port of no importance.
   */
  want(ip: IpAddress, now: Millis): ClientPermission | undefined {
    const permission = this.find(ip) ?? this.#add(ip, now);
    if (permission === undefined) return undefined;
    permission.usedAt = now;
    // Not there, or left to expire.
    if (!isAttended(permission) && permission.refusedUntil <= now) this.#setDue(permission, now);
    return permission;
  }

  find(ip: IpAddress): ClientPermission | undefined {
    return this.#permissions.get(keyOf(ip));
  }

  /** From now on the permission lasts only as long as it is used. */
  release(ip: IpAddress): void {
    const permission = this.find(ip);
    if (permission !== undefined) permission.isKept = false;
  }

  /** The next CreatePermission request that is due, for all that it can serve; {@link setAsked} takes its id. */
  nextBatch(now: Millis): readonly ClientPermission[] | undefined {
    if (now < this.#nextDue || this.#asked.size >= MAX_REQUESTS) return undefined;
    const batch: ClientPermission[] = [];
    let isDue = false;
    let next = Number.POSITIVE_INFINITY;
    for (const permission of this.#permissions.values()) {
      if (permission.dueAt <= now + SHARED_WINDOW_MS && isIdle(permission)) {
        permission.dueAt = Number.POSITIVE_INFINITY;
      }
      next = Math.min(next, permission.dueAt);
      if (permission.dueAt > now + SHARED_WINDOW_MS) continue;
      if (permission.isAlone) {
        if (permission.dueAt <= now) return [permission];
        continue;
      }
      isDue ||= permission.dueAt <= now;
      if (batch.length < MAX_BATCH) batch.push(permission);
    }
    if (isDue) return batch;
    this.#nextDue = next;
    return undefined;
  }

  setAsked(id: AskId, batch: readonly ClientPermission[]): void {
    for (const permission of batch) {
      permission.isAsked = true;
      permission.dueAt = Number.POSITIVE_INFINITY;
    }
    this.#asked.set(id, batch);
  }

  /** Takes what came of a request; undefined when it was not one of these. */
  handleOutcome(outcome: StunClientEvent, now: Millis): PermissionOutcome | undefined {
    const batch = this.#asked.get(outcome.id);
    if (batch === undefined) return undefined;
    this.#asked.delete(outcome.id);
    for (const permission of batch) permission.isAsked = false;
    switch (outcome.type) {
      case "success":
        for (const permission of batch) this.setGranted(permission, now);
        return { granted: batch, refused: undefined, error: undefined, failed: [] };
      case "refused":
        return this.#handleRefusal(batch, outcome.error, now);
      case "failure":
        return { granted: [], refused: undefined, error: undefined, failed: this.#handleFailure(batch, now) };
      default:
        return outcome satisfies never;
    }
  }

  /** Installed or refreshed, by CreatePermission or by ChannelBind (RFC 8656 §12.3). */
  setGranted(permission: ClientPermission, now: Millis): void {
    permission.expiresAt = now + PERMISSION_LIFETIME_MS;
    permission.refusedUntil = Number.NEGATIVE_INFINITY;
    const jitter = REFRESH_JITTER_MS * randomUnit(this.#random);
    this.#setDue(permission, permission.expiresAt - REFRESH_MARGIN_MS - jitter);
    permission.isAlone = false;
  }

  /** When {@link nextBatch} has something; `Infinity` for never. */
  next(): Millis {
    return this.#asked.size >= MAX_REQUESTS ? Number.POSITIVE_INFINITY : this.#nextDue;
  }

  /** Everything that waits, which is not going to be sent any more. */
  takeWaiting(): TurnTransmit[] {
    return [...this.#permissions.values()].flatMap(({ waiting }) => waiting.splice(0));
  }

  #setDue(permission: ClientPermission, at: Millis): void {
    permission.dueAt = at;
    if (at < this.#nextDue) this.#nextDue = at;
  }

  #add(ip: IpAddress, now: Millis): ClientPermission | undefined {
    if (this.#permissions.size >= MAX_CLIENT_PERMISSIONS && !this.#evict(now)) return undefined;
    const permission: ClientPermission = {
      ip,
      isKept: false,
      usedAt: now,
      expiresAt: Number.NEGATIVE_INFINITY,
      dueAt: Number.POSITIVE_INFINITY,
      isAsked: false,
      isAlone: false,
      refusedUntil: Number.NEGATIVE_INFINITY,
      isAnnounced: false,
      waiting: [],
    };
    this.#permissions.set(keyOf(ip), permission);
    return permission;
  }

  /** Makes room: one that is neither installed nor asked for, nor wanted. */
  #evict(now: Millis): boolean {
    for (const [key, permission] of this.#permissions) {
      if (isAttended(permission) || permission.isKept || isActive(permission, now)) continue;
      this.#permissions.delete(key);
      return true;
    }
    return false;
  }

  #handleRefusal(batch: readonly ClientPermission[], error: StunErrorValue, now: Millis): PermissionOutcome {
    // RFC 8656 §10.2: the server installs all or none, so one private address of the peer refuses all the others.
    const [first] = batch;
    if (batch.length > 1 || first === undefined) {
      for (const permission of batch) {
        permission.isAlone = true;
        this.#setDue(permission, now);
      }
      return { granted: [], refused: undefined, error, failed: [] };
    }
    first.expiresAt = Number.NEGATIVE_INFINITY;
    first.isAnnounced = false;
    first.dueAt = Number.POSITIVE_INFINITY;
    // RFC 8656 §7.4: the same request SHOULD NOT be repeated; who sends on tries again much later.
    first.refusedUntil = now + PERMISSION_LIFETIME_MS;
    return { granted: [], refused: first, error, failed: [] };
  }

  /** @returns those that are not installed. */
  #handleFailure(batch: readonly ClientPermission[], now: Millis): readonly ClientPermission[] {
    const failed: ClientPermission[] = [];
    for (const permission of batch) {
      const isStillThere = isActive(permission, now);
      if (!isStillThere) failed.push(permission);
      if (isStillThere || permission.isKept) this.#setDue(permission, now + RETRY_MS);
    }
    return failed;
  }
}

/** Whether the server has it, as far as is known. */
export function isActive(permission: ClientPermission, now: Millis): boolean {
  return permission.expiresAt > now;
}

/** Whether somebody sees to it that it does not expire. */
export function isAttended(permission: ClientPermission): boolean {
  return permission.isAsked || permission.dueAt !== Number.POSITIVE_INFINITY;
}

/** Nothing has passed since it was last granted, and nobody wants it kept: it is left to expire. */
function isIdle({ isKept, usedAt, expiresAt }: ClientPermission): boolean {
  return !isKept && usedAt <= expiresAt - PERMISSION_LIFETIME_MS;
}

/** CreatePermission for all of them (RFC 8656 §10.1). */
export function createPermissionRequest(batch: readonly ClientPermission[]): StunRequest {
  return {
    method: StunMethod.createPermission,
    // The port is ignored by the server.
    attributes: batch.map(({ ip }) => attributeValue(XOR_PEER_ADDRESS, new TransportAddress(ip, 0))),
  };
}

function keyOf(ip: IpAddress): string {
  return String.fromCharCode(...ip.bytes);
}
