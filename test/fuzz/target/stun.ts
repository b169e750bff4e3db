import { nodeCrypto } from "@naru/webrtc/node";
import * as stun from "@naru/webrtc/stun";

const key = nodeCrypto.createHmac("sha-1", stun.shortTermKey("password"));
const key256 = nodeCrypto.createHmac("sha-256", stun.shortTermKey("password"));
const exported: readonly unknown[] = Object.values(stun);
const ATTRIBUTES = exported.filter(isAttribute);
const NONE: ReadonlySet<number> = new Set();

/** A STUN message with everything that can be asked of it. */
export function target(bytes: Uint8Array): void {
  const message = stun.decodeStunMessage(bytes);
  for (const attribute of ATTRIBUTES) {
    message.get(attribute);
    message.getAll(attribute);
  }
  message.unknownAttributes(NONE);
  message.checkIntegrity(key);
  message.checkIntegrity(key256);
  message.checkFingerprint();
  if (!stun.looksLikeStun(bytes)) throw new Error("a message that does not look like STUN");
}

function isAttribute(value: unknown): value is stun.StunAttribute<unknown> {
  return typeof value === "object" && value !== null && "type" in value && "decode" in value;
}
