import * as sdp from "@naru/webrtc/sdp";

const decoder = new TextDecoder();
const EXPORTED: readonly unknown[] = Object.values(sdp);
const ATTRIBUTES = EXPORTED.filter(isAttribute);

/** A description with every attribute that can be asked of it; what is parsed is the same after a round trip. */
export function target(bytes: Uint8Array): void {
  const description = sdp.safeParseSdp(decoder.decode(bytes));
  if (!(description instanceof sdp.SessionDescription)) return;
  for (const section of [description, ...description.mediaSections]) {
    for (const attribute of ATTRIBUTES) section.getAll(attribute);
  }
  const text = sdp.serializeSdp(description);
  if (sdp.serializeSdp(sdp.parseSdp(text)) !== text)
    throw new Error("a description changes when it is read again");
}

function isAttribute(value: unknown): value is sdp.SdpAttribute<unknown> {
  return typeof value === "object" && value !== null && "name" in value && "serialize" in value;
}
