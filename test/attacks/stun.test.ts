import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { decodeStunMessage, StunMessageBuilder, StunMethod, XOR_MAPPED_ADDRESS } from "@naru/webrtc/stun";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readCorpus } from "../fuzz/corpus.ts";
import { Chance, nextInput } from "../fuzz/mutate.ts";
import { Bystanders } from "../support/bystanders.ts";
import { delay, TestServer } from "../support/server.ts";

let server: TestServer;
let bystanders: Bystanders;

beforeAll(async () => {
  server = await TestServer.start();
  bystanders = await Bystanders.join(server);
});

afterAll(async () => {
  bystanders?.leave();
  await server?.close();
});

function bindingRequest(): Uint8Array {
  const id = crypto.getRandomValues(new Uint8Array(12));
  return new StunMessageBuilder().start("request", StunMethod.binding, id).finish();
}

async function boundSocket(address = "127.0.0.1"): Promise<Socket> {
  const socket = createSocket("udp4").bind(0, address);
  await once(socket, "listening");
  return socket;
}

/** Sends datagrams and collects what comes back until it is quiet. */
async function answersTo(socket: Socket, datagrams: readonly Uint8Array[]): Promise<Uint8Array[]> {
  const answers: Uint8Array[] = [];
  const keep = (bytes: Uint8Array): void => void answers.push(bytes);
  socket.on("message", keep);
  for (const datagram of datagrams) socket.send(datagram, server.port, "127.0.0.1");
  let seen = -1;
  while (seen !== answers.length) {
    seen = answers.length;
    await delay(300);
  }
  socket.off("message", keep);
  return answers;
}

test("a Binding request is answered with the sender's address in at most 32 bytes", async () => {
  const socket = await boundSocket();
  const [answer, ...more] = await answersTo(socket, [bindingRequest()]);
  expect(more).toEqual([]);
  if (answer === undefined) throw new Error("no answer");
  expect(answer.length).toBeLessThanOrEqual(32);
  expect(decodeStunMessage(answer).get(XOR_MAPPED_ADDRESS)?.toString()).toBe(
    `127.0.0.1:${socket.address().port}`,
  );
  socket.close();
});

test("twenty thousand hostile datagrams later it still answers, and has sent less than it received", async () => {
  const chance = new Chance(3);
  const pool = [...readCorpus("stun"), ...readCorpus("stun-server")];
  const socket = await boundSocket("127.0.0.2");
  let received = 0;
  let sent = 0;
  socket.on("message", (bytes) => {
    received += bytes.length;
  });
  for (let i = 0; i < 20_000; i++) {
    const datagram = nextInput(pool, 1_472, chance);
    sent += datagram.length;
    socket.send(datagram, server.port, "127.0.0.1");
    if (i % 100 === 99) await delay(1);
  }
  await delay(300);
  expect(received).toBeLessThan(sent);
  socket.close();
  const other = await boundSocket("127.0.0.3");
  expect((await answersTo(other, [bindingRequest()])).length).toBe(1);
  other.close();
  await bystanders.expectUntouched();
});

test("one address gets a bounded number of answers, another is not affected", async () => {
  const greedy = await boundSocket("127.0.0.4");
  const answers = await answersTo(greedy, Array.from({ length: 5_000 }, bindingRequest));
  expect(answers.length).toBeGreaterThan(0);
  expect(answers.length).toBeLessThan(1_000);
  const other = await boundSocket("127.0.0.5");
  expect((await answersTo(other, [bindingRequest()])).length).toBe(1);
  greedy.close();
  other.close();
});
