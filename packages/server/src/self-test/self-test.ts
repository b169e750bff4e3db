import { isIP } from "node:net";
import { IpAddress } from "@naru/webrtc/bytes";
import type { Platform } from "@naru/webrtc/platform";
import type { NaruConfig } from "../config/schema.ts";
import { localNames } from "../network/local-addresses.ts";
import { checkHttps } from "./https-check.ts";
import { checkStun } from "./stun-check.ts";

/** One address, seen from the machine itself. */
export interface AddressCheck {
  readonly address: string;
  /** What is wrong with HTTPS there; undefined when it works. */
  readonly https: string | undefined;
  /** The same of STUN; undefined also when it is switched off. */
  readonly stun: string | undefined;
}

/** Machines with containers have dozens of addresses; the first tell enough. */
const MAX_ADDRESSES = 8;

/** The server as {@link selfTest} needs it. */
export interface SelfTestTarget {
  readonly port: number;
  readonly hasStun: boolean;
  readonly certificate: { readonly fingerprint: string };
}

/**
 * Uses the server as a client would, over real sockets at every address it listens on. It proves that the server
 * answers there, not that a firewall lets others through: only they can tell.
 */
export async function selfTest(
  platform: Platform,
  config: NaruConfig,
  server: SelfTestTarget,
): Promise<readonly AddressCheck[]> {
  return Promise.all(
    addressesOf(config).map(async (address) => {
      const [https, stun] = await Promise.all([
        checkHttps(address, server.port, server.certificate.fingerprint),
        server.hasStun ? checkStun(platform, address, server.port, IpAddress.parse(address)) : undefined,
      ]);
      return { address, https, stun };
    }),
  );
}

/** This machine's addresses at which a server with this configuration listens, loopback first. */
export function addressesOf({ host }: NaruConfig): readonly string[] {
  const all = ["127.0.0.1", ...localNames().addresses];
  if (host === undefined || host === "::") return all.slice(0, MAX_ADDRESSES);
  if (host === "0.0.0.0") return all.filter((address) => isIP(address) === 4).slice(0, MAX_ADDRESSES);
  if (host === "localhost") return ["127.0.0.1"];
  return isIP(host) === 0 ? [] : [host];
}
