import type { StunAttribute } from "./attribute.ts";

/** An attribute without a value: being there is what it says. */
function flagAttribute(type: number, name: string): StunAttribute<true> {
  return {
    type,
    name,
    size: () => 0,
    encode: () => undefined,
    decode: (_bytes, _offset, length) => (length === 0 ? true : undefined),
  };
}

/** The controlling agent nominates this pair (RFC 8445 §7.1.2). */
export const USE_CANDIDATE: StunAttribute<true> = flagAttribute(0x0025, "USE-CANDIDATE");
/** Ask the relay to set DF on what it sends (RFC 8656 §18.9). */
export const DONT_FRAGMENT: StunAttribute<true> = flagAttribute(0x001a, "DONT-FRAGMENT");
