import { expect, test } from "vitest";
import { fromHex, type TransportAddress, toHex } from "../src/bytes/index.ts";
import { openTurnConnection, type TurnConnection } from "../src/driver/index.ts";
import { PacketArena } from "../src/kernel/index.ts";
import { nodeCrypto } from "../src/node/index.ts";
import { looksLikeStun, StreamDeframer } from "../src/stun/index.ts";
import { createScenario, type VirtualHost, type VirtualNetwork } from "../src/testing/index.ts";
import { listen } from "./recording-stream.ts";

const scenario = createScenario({
  test,
  environment: process.env,
  file: import.meta.url,
  crypto: nodeCrypto,
});

const BINDING = fromHex("00010000 2112a442 000102030405060708090a0b");
const CHANNEL_DATA = fromHex("40000003 ffeedd00");

scenario("a congested stream loses data and keeps requests", {}, async (network) => {
  const alice = network.host("alice", { link: { rateBps: 200_000, delayMs: 10 } });
  const { connection, listener, server } = await connect(network, alice);
  const data = new Uint8Array(1_200);
  data.set([0x40, 0x00, 0x04, 0xac]);
  const arena = new PacketArena(4);
  for (let i = 0; i < 500; i++) {
    const slot = arena.acquire();
    if (slot === undefined) throw new Error("a slot was not given back");
    slot.bytes.set(data);
    slot.end = data.length;
    connection.sendSlot(slot);
    if (i % 100 === 0) connection.send(BINDING, server);
  }
  expect(connection.lostCount).toBeGreaterThan(400);
  await network.run(60_000);
  const deframer = new StreamDeframer();
  deframer.push(listener.accepted[0]?.received() ?? new Uint8Array(0));
  let requests = 0;
  let packets = 0;
  for (let frame = deframer.next(); frame !== undefined; frame = deframer.next()) {
    if (looksLikeStun(frame)) requests++;
    else packets++;
  }
  expect(requests).toBe(5);
  expect(packets + connection.lostCount).toBe(500);
});

scenario(
  "a stream comes out in frames, however it is cut, until it is something else",
  {},
  async (network) => {
    const { connection, listener, frames } = await connect(network, network.host("alice"));
    const peer = listener.accepted[0]?.io;
    const bytes = Uint8Array.from([...BINDING, ...CHANNEL_DATA]);
    for (const byte of bytes) peer?.write(Uint8Array.of(byte));
    peer?.write(bytes);
    await network.run(1_000);
    const [binding, data] = [toHex(BINDING), toHex(CHANNEL_DATA.subarray(0, 7))];
    expect(frames).toEqual([binding, data, binding, data]);

    const raw: string[] = [];
    connection.detach((stream) => {
      stream.write(fromHex("99"));
      return {
        handleData: (piece) => void raw.push(toHex(piece)),
        handleDrain: () => undefined,
        handleClose: () => undefined,
      };
    });
    peer?.write(fromHex("ff00ff"));
    await network.run(1_000);
    expect(raw).toEqual(["ff00ff"]);
    expect(frames).toHaveLength(4);
    expect(toHex(listener.accepted[0]?.received() ?? BINDING)).toBe("99");
  },
);

scenario("a server that speaks something else is left, with the reason", {}, async (network) => {
  const { listener, ends } = await connect(network, network.host("alice"));
  // A TLS alert: a port for TLS was spoken to without.
  listener.accepted[0]?.io.write(fromHex("15030100020232"));
  await network.run(1_000);
  expect(ends).toEqual(["the server sent what is neither STUN nor ChannelData (not-a-frame)"]);
});

async function connect(
  network: VirtualNetwork,
  alice: VirtualHost,
): Promise<{
  connection: TurnConnection;
  listener: Awaited<ReturnType<typeof listen>>;
  server: TransportAddress;
  frames: string[];
  ends: (string | undefined)[];
}> {
  const frames: string[] = [];
  const ends: (string | undefined)[] = [];
  const listener = await listen(network.host("server"), 3478);
  const server = listener.localAddress;
  const connection = await network.complete(
    openTurnConnection(
      alice,
      { server, transport: "tcp" },
      {
        handleFrame: (bytes) => void frames.push(toHex(bytes)),
        handleBatchEnd: () => undefined,
        handleClose: (error) => void ends.push(error?.message),
      },
    ),
  );
  await network.run(100);
  return { connection, listener, server, frames, ends };
}
