import type { IpAddress, IpFamily } from "@naru/webrtc/bytes";
import type { NetworkInterface } from "@naru/webrtc/platform";
import type { RelayAddress } from "../relay-maker.ts";
import { isSpecialAddress } from "../special-addresses.ts";

/**
 * Where relayed addresses are made when nobody says: of each family the first address that is public, or else the first
 * that is not loopback or link-local. On a machine without any it is loopback, which serves tests.
 *
 * @throws {TypeError} when the machine has no address at all.
 */
export function findRelayAddresses(interfaces: readonly NetworkInterface[]): readonly RelayAddress[] {
  const all = interfaces.map(({ address }) => address);
  const usable = all.filter((ip) => !ip.isLoopback && !ip.isLinkLocal);
  const chosen = ([4, 6] as const).flatMap((family) => best(usable, family) ?? []);
  const fallback = all.filter((ip) => ip.isLoopback && ip.family === 4).slice(0, 1);
  const found = chosen.length > 0 ? chosen : fallback;
  if (found.length === 0)
    throw new TypeError("this machine has no address to relay from; name one in `relay`");
  return found.map((ip) => ({ bind: ip, advertise: ip }));
}

function best(addresses: readonly IpAddress[], family: IpFamily): IpAddress | undefined {
  const own = addresses.filter((ip) => ip.family === family);
  return own.find((ip) => !isSpecialAddress(ip)) ?? own[0];
}
