import { createConnection, runOut, settle, warmUp } from "../dtls.ts";
import { datagrams } from "../environment.ts";

warmUp();

/** Datagrams to a client that waits for its server: it comes to an end, and is never connected. */
export function target(bytes: Uint8Array): void {
  const client = createConnection("client");
  client.start(0);
  settle(client);
  for (const datagram of datagrams(bytes)) {
    client.handleInput(datagram, 1);
    settle(client);
  }
  if (client.state === "connected") throw new Error("connected to nobody");
  runOut(client);
}
