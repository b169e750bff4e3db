import { createConnection, runOut, settle, warmUp } from "../dtls.ts";
import { datagrams } from "../environment.ts";

warmUp();

/** Datagrams to a server that waits for a client: it comes to an end, and is never connected. */
export function target(bytes: Uint8Array): void {
  const server = createConnection("server");
  for (const datagram of datagrams(bytes)) {
    server.handleInput(datagram, 1);
    settle(server);
  }
  if (server.state === "connected") throw new Error("connected to nobody");
  runOut(server);
}
