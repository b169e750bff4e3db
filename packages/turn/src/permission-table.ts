import type { IpAddress } from "@naru/webrtc/bytes";
import type { Millis } from "@naru/webrtc/sansio";
import { PERMISSION_LIFETIME_MS } from "@naru/webrtc/turn";

/** Peers at this IP address may exchange data with the client, whatever their port (RFC 8656 §9). */
export interface Permission {
  readonly ip: IpAddress;
  expiresAt: Millis;
}

/** The permissions of one allocation: few, so that looking through them is quicker than any index. */
export class PermissionTable {
  readonly #maximum: number;
  readonly #permissions: Permission[] = [];

  constructor(maximum: number) {
    this.#maximum = maximum;
  }

  /** The living permission for `ip`. Allocates nothing: it is asked for every packet. */
  find(ip: IpAddress, now: Millis): Permission | undefined {
    for (const permission of this.#permissions) {
      if (permission.expiresAt > now && permission.ip.equals(ip)) return permission;
    }
    return undefined;
  }

  /** Whether all of `ips` can be installed or refreshed at once. */
  hasRoomFor(ips: readonly IpAddress[], now: Millis): boolean {
    this.#forget(now);
    let needed = this.#permissions.length;
    for (const [i, ip] of ips.entries()) {
      const isNew = this.find(ip, now) === undefined && !ips.slice(0, i).some((other) => other.equals(ip));
      if (isNew) needed++;
    }
    return needed <= this.#maximum;
  }

  /** Installs or refreshes. There has to be room. */
  install(ip: IpAddress, now: Millis): Permission {
    const expiresAt = now + PERMISSION_LIFETIME_MS;
    const found = this.find(ip, now);
    if (found !== undefined) {
      found.expiresAt = expiresAt;
      return found;
    }
    const permission = { ip, expiresAt };
    this.#permissions.push(permission);
    return permission;
  }

  /** RFC 8656 §8.1: with the relayed address of one family go its permissions. */
  removeFamily(family: 4 | 6): void {
    keep(this.#permissions, ({ ip }) => ip.family !== family);
  }

  #forget(now: Millis): void {
    keep(this.#permissions, ({ expiresAt }) => expiresAt > now);
  }
}

function keep<T>(items: T[], isKept: (item: T) => boolean): void {
  items.splice(0, items.length, ...items.filter(isKept));
}
