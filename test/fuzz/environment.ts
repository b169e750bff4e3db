/** What cores under fuzz are given: real hashes, chance that repeats itself, no log. */
import { nodeCrypto } from "@naru/webrtc/node";
import { type Environment, SILENT_LOGGER } from "@naru/webrtc/sansio";
import { Chance } from "./mutate.ts";

/** A new environment; two of them behave alike. */
export function fuzzEnvironment(): Environment<typeof nodeCrypto> {
  const chance = new Chance(1);
  return {
    crypto: nodeCrypto,
    log: SILENT_LOGGER,
    random: {
      fill(target) {
        for (let i = 0; i < target.length; i++) target[i] = chance.below(256);
        return target;
      },
    },
  };
}

/** Cuts an input into datagrams: a byte of length, then as many bytes; the rest is the last datagram. */
export function datagrams(bytes: Uint8Array): Uint8Array[] {
  const found: Uint8Array[] = [];
  let offset = 0;
  while (offset < bytes.length && found.length < 32) {
    const end = Math.min(bytes.length, offset + 1 + (bytes[offset] ?? 0));
    found.push(bytes.subarray(offset + 1, end));
    offset = end;
  }
  return found;
}
