import { parseServerMessage } from "../../../packages/client/src/connection/server-message.ts";

/** One message of a server, as the client reads it. */
export function target(bytes: Uint8Array): void {
  parseServerMessage(new TextDecoder().decode(bytes));
}
