import { connectPair, settle } from "../dtls.ts";
import { datagrams } from "../environment.ts";

/** Connections that are connected, one of each version, for all runs. */
const ESTABLISHED = (["1.3", "1.2"] as const).map((version) => connectPair(version)[1]);

/** Datagrams from a stranger into a call: it goes on, and nothing comes of them. */
export function target(bytes: Uint8Array): void {
  for (const connection of ESTABLISHED) {
    for (const datagram of datagrams(bytes)) connection.handleInput(datagram, 1);
    settle(connection);
    if (connection.state !== "connected")
      throw new Error(`a stranger made the connection ${connection.state}`);
  }
}
