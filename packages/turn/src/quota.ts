import type { IpAddress } from "@naru/webrtc/bytes";

/** Allocations at the same time. */
export interface QuotaOptions {
  /** Of one user. A mesh of four over several interfaces and transports takes 18, twice that during a restart. */
  readonly perUser: number;
  /** From one address (an IPv6 /64 counts as one): a whole office behind one NAT. */
  readonly perAddress: number;
  /** Of the server. */
  readonly total: number;
}

export const DEFAULT_QUOTA_OPTIONS: QuotaOptions = { perUser: 48, perAddress: 1024, total: 16_384 };

/** Why an allocation may not be made. */
export type QuotaRefusal = "user" | "address" | "total";

/** Counts allocations by whom and from where. */
export class Quota {
  readonly #options: QuotaOptions;
  readonly #users = new Map<string, number>();
  readonly #addresses = new Map<string, number>();
  #total = 0;

  constructor(options: QuotaOptions) {
    this.#options = options;
  }

  get total(): number {
    return this.#total;
  }

  /** Users who have something now. */
  get userCount(): number {
    return this.#users.size;
  }

  /**
   * Takes one, or says which limit it would exceed.
   *
   * @param perUser - Of this user, when that is fewer than of others.
   */
  take(user: string, ip: IpAddress, perUser: number = this.#options.perUser): QuotaRefusal | undefined {
    const place = placeOf(ip);
    if (this.#total >= this.#options.total) return "total";
    if ((this.#users.get(user) ?? 0) >= Math.min(perUser, this.#options.perUser)) return "user";
    if ((this.#addresses.get(place) ?? 0) >= this.#options.perAddress) return "address";
    this.#total++;
    change(this.#users, user, 1);
    change(this.#addresses, place, 1);
    return undefined;
  }

  release(user: string, ip: IpAddress): void {
    this.#total--;
    change(this.#users, user, -1);
    change(this.#addresses, placeOf(ip), -1);
  }
}

/** What counts as one place: an IPv4 address, or the /64 that an IPv6 subscriber has to himself. */
export function placeOf(ip: IpAddress): string {
  return String.fromCharCode(...(ip.family === 4 ? ip.bytes : ip.bytes.subarray(0, 8)));
}

function change(counts: Map<string, number>, key: string, step: number): void {
  const count = (counts.get(key) ?? 0) + step;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}
