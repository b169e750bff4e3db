import { fuzzRooms } from "../../../packages/signaling/test/fuzz-targets.ts";

/** A history of several connections on the core of the rooms; afterwards its state can be saved and read back. */
export function target(bytes: Uint8Array): void {
  fuzzRooms(bytes);
}
