import { TransportAddress } from "@naru/webrtc/bytes";
import { StunClient, StunMethod } from "@naru/webrtc/stun";
import { datagrams, fuzzEnvironment } from "../environment.ts";

const server = TransportAddress.parse("192.0.2.1:3478");

/** Answers to a client that authenticates, under the transaction id it chose: whatever they say, it comes to an end. */
export function target(bytes: Uint8Array): void {
  if (server === undefined) throw new Error("no address");
  const client = new StunClient(fuzzEnvironment(), {
    server,
    socket: 0,
    credentials: { username: "user", password: "password" },
  });
  client.request({ method: StunMethod.binding }, 0);
  let ended = 0;
  let sent = client.pollTransmit();
  for (const datagram of datagrams(bytes)) {
    const answer = datagram.slice();
    if (sent !== undefined && answer.length >= 20) answer.set(sent.bytes.subarray(4, 20), 4);
    client.handleInput({ bytes: answer, from: server, socket: 0 }, 1);
    for (let next = client.pollTransmit(); next !== undefined; next = client.pollTransmit()) sent = next;
    while (client.pollEvent() !== undefined) ended++;
  }
  for (let now = client.pollTimeout(); now < 1e9; now = client.pollTimeout()) {
    client.handleTimeout(now);
    while (client.pollTransmit() !== undefined);
    while (client.pollEvent() !== undefined) ended++;
  }
  if (ended !== 1) throw new Error(`one request ended ${ended} times`);
}
