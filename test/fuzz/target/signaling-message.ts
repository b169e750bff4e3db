import { fuzzClientMessage } from "../../../packages/signaling/test/fuzz-targets.ts";

/** One message of a client, as the server reads it. */
export function target(bytes: Uint8Array): void {
  fuzzClientMessage(bytes);
}
