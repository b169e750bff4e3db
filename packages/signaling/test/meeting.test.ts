import { afterEach, describe, expect, it } from "vitest";
import { join, knock, reset, resume, startServer, type TestServer } from "./harness.ts";

let server: TestServer;

afterEach(() => server.close());

describe("a meeting over WebSocket", () => {
  it("lets two people see each other, exchange signals, and leave", async () => {
    server = await startServer({
      iceServers: ({ room, participant, host }) => [
        { urls: [`stun:${host}:3478`], username: `${room}/${participant}`, credential: "c" },
      ],
    });
    const [mina, first] = await join(server.url, { room: "otter", name: " Mina ", state: { audio: true } });
    expect(first.participants).toEqual([
      {
        id: first.self,
        name: "Mina",
        role: "host",
        presence: "present",
        state: { audio: true },
        joinOrder: 1,
      },
    ]);
    expect(first.resumed).toBe(false);
    expect(first.iceServers).toEqual([
      { urls: ["stun:127.0.0.1:3478"], username: `otter/${first.self}`, credential: "c" },
    ]);

    const [juno, second] = await join(server.url, { room: "otter", name: "Juno" });
    expect(second.participants.map(({ name, role }) => [name, role])).toEqual([
      ["Mina", "host"],
      ["Juno", "guest"],
    ]);
    const { participant } = await mina.next("participantJoined");
    expect(participant).toMatchObject({ id: second.self, name: "Juno", joinOrder: 2 });

    const number = juno.signal(first.self, "hello");
    const signal = await mina.next("signal");
    expect(signal).toEqual({
      type: "signal",
      from: second.self,
      signal: reset("hello"),
      seq: 1,
      fromSeq: number,
    });
    expect(await juno.next("ack")).toEqual({ type: "ack", ack: number });

    juno.sendReliable({ type: "state", state: { hand: true, streams: { abc: "camera" } } });
    const changed = await mina.next("participantChanged");
    expect(changed.participant.state).toEqual({ hand: true, streams: { abc: "camera" } });

    juno.sendReliable({ type: "leave" });
    expect(await mina.next("participantLeft")).toEqual({
      type: "participantLeft",
      id: second.self,
      reason: "left",
    });
    expect(await juno.closed()).toEqual({ code: 1000, reason: "left" });
  });

  it("keeps two rooms apart: nobody sees, hears or reaches the other one", async () => {
    server = await startServer();
    const [a, inA] = await join(server.url, { room: "a", name: "one" });
    const [b, inB] = await join(server.url, { room: "b", name: "two" });
    expect(inB.participants).toHaveLength(1);
    b.signal(inA.self, "across");
    expect((await b.next("error")).code).toBe("NO_SUCH_PARTICIPANT");
    b.sendReliable({ type: "moderate", action: "remove", target: inA.self });
    expect((await b.next("error")).code).toBe("NO_SUCH_PARTICIPANT");
    b.sendReliable({ type: "state", state: { hand: true } });
    b.send({ type: "ping" });
    await b.next("pong");
    a.send({ type: "ping" });
    await a.next("pong");
    expect(a.messages).toEqual([]);
    expect(inB.self).not.toBe(inA.self);
  });

  it("resumes in mid-stream: nothing lost, nothing twice, the same id, the presence told", async () => {
    server = await startServer();
    const [mina, first] = await join(server.url);
    const [juno, second] = await join(server.url);
    await mina.next("participantJoined");
    mina.acknowledges = false;
    juno.signal(first.self, "1");
    juno.signal(first.self, "2");
    await mina.next("signal");
    await mina.next("signal");
    mina.socket.terminate();
    const away = await juno.next("participantChanged");
    expect(away.participant).toMatchObject({ id: first.self, presence: "reconnecting" });
    juno.signal(first.self, "3");
    juno.send({ type: "ping" });
    await juno.next("pong");

    const back = await resume(server.url, first.session, 1);
    const joined = await back.next("joined");
    expect(joined).toMatchObject({ self: first.self, resumed: true, received: 0 });
    expect(joined.participants).toHaveLength(2);
    const signals = [await back.next("signal"), await back.next("signal")];
    expect(signals.map(({ seq, signal }) => [seq, signal])).toEqual([
      [2, reset("2")],
      [3, reset("3")],
    ]);
    const again = await juno.next("participantChanged");
    expect(again.participant).toMatchObject({ id: first.self, presence: "present" });
    expect(second.self).toBeDefined();
  });

  it("keeps newcomers in the lobby until a host lets them in or turns them away", async () => {
    server = await startServer();
    const [host, room] = await join(server.url, { name: "host" });
    host.sendReliable({ type: "moderate", action: "lobby", enabled: true });
    expect((await host.next("roomChanged")).room.lobby).toBe(true);
    const welcome = await knock(server.url, { name: "welcome" });
    expect((await welcome.next("lobby")).room).toBe("r");
    const unwelcome = await knock(server.url, { name: "unwelcome" });
    const { knocking } = await host.next("knocking", (message) => message.knocking.length === 2);
    expect(knocking.map(({ name }) => name)).toEqual(["welcome", "unwelcome"]);
    host.sendReliable({ type: "moderate", action: "admit", target: knocking[0]?.id ?? "" });
    host.sendReliable({ type: "moderate", action: "deny", target: knocking[1]?.id ?? "" });
    const joined = await welcome.next("joined");
    expect(joined.self).toBe(knocking[0]?.id);
    expect((await unwelcome.refusal()).error).toMatchObject({ code: "NOT_ADMITTED", fatal: true });
    expect((await host.next("knocking", (message) => message.knocking.length === 0)).knocking).toEqual([]);
    expect(room.knocking).toEqual([]);
  });
});
