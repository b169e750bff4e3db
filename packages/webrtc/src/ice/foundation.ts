import type { IpAddress } from "../bytes/index.ts";
import type { IceCandidateType, IceProtocol, IceTcpType } from "./candidate.ts";

/** What decides whether two candidates share a foundation (RFC 8445 §5.1.1.3). */
export interface FoundationParts {
  readonly type: IceCandidateType;
  readonly protocol: IceProtocol;
  readonly tcpType?: IceTcpType | undefined;
  /** Of the base. */
  readonly base: IpAddress;
  /** The STUN or TURN server that it was got from, and how that was reached. */
  readonly server?: string | undefined;
}

/** Gives candidates their foundations: small numbers, which tell nobody anything about the addresses. */
export class Foundations {
  readonly #known = new Map<string, string>();

  /** The foundation of a candidate: the same text whenever the parts are the same. */
  of({ type, protocol, tcpType, base, server }: FoundationParts): string {
    const key = [type, protocol, tcpType ?? "", base, server ?? ""].join(" ");
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const foundation = `${this.#known.size + 1}`;
    this.#known.set(key, foundation);
    return foundation;
  }
}
