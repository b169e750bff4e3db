import { isToken, type SdpAttribute, text } from "./attribute.ts";

/** Hash of a certificate (RFC 8122 §5). */
export interface SdpFingerprint {
  /** Lower case: `sha-256`. */
  readonly algorithm: string;
  readonly bytes: Uint8Array;
}

/** The longest hash is SHA-512's: 64 pairs of digits and the colons between them. */
const FINGERPRINT = /^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){0,63}$/;

export const FINGERPRINT_ATTRIBUTE: SdpAttribute<SdpFingerprint> = {
  name: "fingerprint",
  parse(value) {
    const [algorithm = "", digits = "", ...rest] = value?.split(" ") ?? [];
    if (!isToken(algorithm) || !FINGERPRINT.test(digits) || rest.length > 0) return undefined;
    const bytes = Uint8Array.from(digits.split(":"), (pair) => Number.parseInt(pair, 16));
    return { algorithm: algorithm.toLowerCase(), bytes };
  },
  serialize(value) {
    const digits = Array.from(value.bytes, (byte) => byte.toString(16).padStart(2, "0").toUpperCase());
    return `${value.algorithm} ${digits.join(":")}`;
  },
};

export type SdpSetup = "active" | "passive" | "actpass" | "holdconn";

/** Who is the DTLS client (RFC 4145 §4, RFC 8842 §5.2). */
export const SETUP: SdpAttribute<SdpSetup> = {
  name: "setup",
  parse: (value) => SETUPS.find((setup) => setup === value),
  serialize: (value) => value,
};

const SETUPS: readonly SdpSetup[] = ["active", "passive", "actpass", "holdconn"];

/** Names a DTLS association (RFC 8842 §4). */
export const TLS_ID: SdpAttribute<string> = text("tls-id", /^[A-Za-z0-9+/\-_]{20,255}$/);
