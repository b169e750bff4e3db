import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join as joinPath } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createFileStore } from "../src/index.ts";
import { join, knock, reset, resume, startServer, type TestServer } from "./harness.ts";

let folder: string;
let file: string;
const servers: TestServer[] = [];

beforeEach(async () => {
  folder = await mkdtemp(joinPath(tmpdir(), "naru-signaling-"));
  file = joinPath(folder, "rooms.json");
});

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
  await rm(folder, { recursive: true });
});

async function start(port = 0): Promise<TestServer> {
  const server = await startServer({ store: createFileStore(file, { survivesPowerLoss: port !== 0 }) }, port);
  servers.push(server);
  return server;
}

describe("a server that is killed and started again", () => {
  it("knows everybody by the same id, the roles, the lock and the lobby, and loses no message", async () => {
    const first = await start();
    const [host, hostJoined] = await join(first.url, { name: "host" });
    const [guest, guestJoined] = await join(first.url, { name: "guest" });
    const locked = host.sendReliable({ type: "moderate", action: "lock", locked: true });
    const lobby = host.sendReliable({ type: "moderate", action: "lobby", enabled: true });
    await host.next("ack", ({ ack = 0 }) => ack >= lobby);
    host.socket.terminate();
    await guest.next("participantChanged", ({ participant }) => participant.presence === "reconnecting");
    const kept = guest.signal(hostJoined.self, "kept");
    await guest.next("ack", ({ ack = 0 }) => ack >= kept);
    first.kill();
    await guest.closed();

    const second = await start(first.port);
    const back = await resume(second.url, hostJoined.session);
    const joined = await back.next("joined");
    expect(joined).toMatchObject({
      self: hostJoined.self,
      resumed: true,
      received: lobby,
      room: { locked: true, lobby: true },
    });
    expect(joined.participants).toMatchObject([
      { id: hostJoined.self, role: "host", presence: "present", joinOrder: 1 },
      { id: guestJoined.self, role: "guest", presence: "reconnecting", joinOrder: 2 },
    ]);
    expect(await back.next("signal")).toMatchObject({
      from: guestJoined.self,
      signal: reset("kept"),
      fromSeq: kept,
    });
    const guestBack = await resume(second.url, guestJoined.session);
    expect(await guestBack.next("joined")).toMatchObject({ self: guestJoined.self, received: kept });
    expect((await (await knock(second.url)).refusal()).error?.code).toBe("ROOM_LOCKED");
    expect(locked).toBe(1);
  });

  it("has saved a session before it tells the client of it, at whatever moment it dies", async () => {
    let server = await start();
    for (let i = 0; i < 5; i++) {
      const [, joined] = await join(server.url, { room: `room ${i}` });
      server.kill();
      server = await start();
      const back = await resume(server.url, joined.session);
      expect((await back.next("joined")).self).toBe(joined.self);
    }
  });

  it("keeps its file to its owner and without secrets, and starts empty when the file is damaged", async () => {
    const first = await start();
    const [, joined] = await join(first.url);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const text = await readFile(file, "utf8");
    expect(text).toContain(joined.self);
    expect(text).not.toContain(joined.session.split(".")[1]);
    first.kill();

    await writeFile(file, text.slice(0, 100));
    const second = await start();
    expect(second.signaling.stats().rooms).toBe(0);
    expect(await readFile(`${file}.damaged`, "utf8")).toBe(text.slice(0, 100));

    await writeFile(file, '{"version":99,"rooms":[]}');
    const third = await start();
    expect((await join(third.url))[1].resumed).toBe(false);
    expect(await readFile(`${file}.damaged`, "utf8")).toBe('{"version":99,"rooms":[]}');
  });

  it("leaves out a room that cannot be used, keeps the others, and a copy of the file", async () => {
    const first = await start();
    await join(first.url, { room: "broken" });
    const [, joined] = await join(first.url, { room: "whole" });
    first.kill();
    const saved = JSON.parse(await readFile(file, "utf8"));
    for (const room of saved.rooms) if (room.name === "broken") room.participants[0].subject = 7;
    const text = JSON.stringify(saved);
    await writeFile(file, text);
    const second = await start();
    expect(second.signaling.stats().rooms).toBe(1);
    const back = await resume(second.url, joined.session);
    expect(await back.next("joined")).toMatchObject({ self: joined.self, resumed: true });
    expect(await readFile(`${file}.damaged`, "utf8")).toBe(text);
  });

  it("goes on when its disk does not, and saves when it can again", async () => {
    const disk = createFileStore(file);
    let isFull = true;
    const server = await startServer({
      store: {
        load: () => disk.load(),
        save: (snapshot) => (isFull ? Promise.reject(new Error("ENOSPC")) : disk.save(snapshot)),
      },
    });
    servers.push(server);
    const [, joined] = await join(server.url);
    isFull = false;
    await server.signaling.drain();
    expect(await readFile(file, "utf8")).toContain(joined.self);
  });
});

describe("a server that is closed", () => {
  it("tells everybody to come back, takes nobody new, and its successor takes all of them", async () => {
    const first = await start();
    const [client, joined] = await join(first.url);
    const closing = first.signaling.close();
    expect(await client.closed()).toEqual({ code: 4001, reason: "SERVER_CLOSING" });
    await expect(knock(first.url)).rejects.toThrow(/503/);
    await closing;
    const second = await start();
    const back = await resume(second.url, joined.session);
    expect(await back.next("joined")).toMatchObject({ self: joined.self, resumed: true });
  });
});
