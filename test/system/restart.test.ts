import { PROTOCOL_VERSION } from "@naru/signaling/protocol";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { eventually, TestServer } from "../support/server.ts";
import { SignalingPeer } from "../support/signaling-peer.ts";

let server: TestServer;

beforeEach(async () => {
  server = await TestServer.start();
});

afterEach(async () => {
  await server.close();
});

async function resume(session: string, received = 0): Promise<SignalingPeer> {
  const peer = await SignalingPeer.connect(server.signalingUrl);
  peer.send({ type: "resume", version: PROTOCOL_VERSION, session, received });
  return peer;
}

describe("a server that is killed and started again", () => {
  test("knows its rooms: who was in, their roles, the lock and the lobby", async () => {
    const host = await SignalingPeer.join(server.signalingUrl, "kept", "Host");
    const guest = await SignalingPeer.join(server.signalingUrl, "kept", "Guest");
    host.peer.sendReliable({ type: "moderate", action: "role", target: guest.joined.self, role: "host" });
    host.peer.sendReliable({ type: "moderate", action: "lobby", enabled: true });
    host.peer.sendReliable({ type: "moderate", action: "lock", locked: true });
    await guest.peer.next("roomChanged", ({ room }) => room.locked && room.lobby);
    const before = await guest.peer.next(
      "participantChanged",
      ({ participant }) => participant.role === "host",
    );
    expect(before.participant.id).toBe(guest.joined.self);
    // Acknowledged is what survives.
    await eventually("the acknowledgement", () => host.peer.received.some(({ ack }) => (ack ?? 0) >= 3));

    await server.kill();
    await Promise.all([host.peer.end(), guest.peer.end()]);
    await server.start();

    const again = await resume(host.joined.session);
    const picture = await again.next("joined");
    expect(picture.resumed).toBe(true);
    expect(picture.self).toBe(host.joined.self);
    expect(picture.received).toBe(3);
    expect(picture.room).toMatchObject({ name: "kept", locked: true, lobby: true });
    expect(picture.participants.map(({ id, role, name }) => ({ id, role, name }))).toEqual([
      { id: host.joined.self, role: "host", name: "Host" },
      { id: guest.joined.self, role: "host", name: "Guest" },
    ]);
    const second = await resume(guest.joined.session);
    expect((await second.next("joined")).self).toBe(guest.joined.self);
    const stranger = await SignalingPeer.connect(server.signalingUrl);
    stranger.send({ type: "join", version: PROTOCOL_VERSION, room: "kept", name: "Stranger" });
    expect((await stranger.end()).reason).toBe("ROOM_LOCKED");
    again.close();
    second.close();
  });

  test("loses no message that was on its way and delivers none twice", async () => {
    const alice = await SignalingPeer.join(server.signalingUrl, "exact", "Alice");
    const bob = await SignalingPeer.join(server.signalingUrl, "exact", "Bob");
    const to = bob.joined.self;
    const say = (seq: number): string =>
      JSON.stringify({ type: "signal", seq, to, signal: { kind: "reset", reason: `message ${seq}` } });
    for (let seq = 1; seq <= 20; seq++) alice.peer.sendText(say(seq));
    await bob.peer.next("signal", ({ signal }) => signal.kind === "reset" && signal.reason === "message 5");
    const heardBefore = bob.peer.received.filter((message) => message.type === "signal");
    await server.kill();
    await server.start();

    const heard = new Set(heardBefore.map(({ seq }) => seq));
    const aliceAgain = await resume(alice.joined.session, 0);
    const { received } = await aliceAgain.next("joined");
    const bobAgain = await resume(bob.joined.session, Math.max(...heardBefore.map(({ seq }) => seq ?? 0)));
    await bobAgain.next("joined");
    for (let seq = received + 1; seq <= 20; seq++) aliceAgain.sendText(say(seq));
    await bobAgain.next("signal", ({ signal }) => signal.kind === "reset" && signal.reason === "message 20");
    const heardAfter = bobAgain.received.filter((message) => message.type === "signal");

    const bySender = new Map<number, string>();
    for (const { fromSeq, signal, seq } of [...heardBefore, ...heardAfter]) {
      if (signal.kind !== "reset") continue;
      // A copy is told by its sender's number, as the protocol says; without one it would be a second message.
      expect(fromSeq === undefined && seq !== undefined && heard.has(seq) && bySender.size === 0).toBe(false);
      bySender.set(fromSeq ?? -1, signal.reason);
    }
    expect([...bySender.values()]).toEqual(Array.from({ length: 20 }, (_, i) => `message ${i + 1}`));
    aliceAgain.close();
    bobAgain.close();
  });

  test("removes those who do not come back", async () => {
    const alice = await SignalingPeer.join(server.signalingUrl, "gone", "Alice");
    const bob = await SignalingPeer.join(server.signalingUrl, "gone", "Bob");
    await eventually(
      "to be saved",
      async () => (await alice.peer.ping()) >= 0 && bob.joined.participants.length === 2,
    );
    await server.kill();
    await server.start();
    const again = await resume(alice.joined.session);
    const { participants } = await again.next("joined");
    const other = participants.find(({ id }) => id === bob.joined.self);
    if (other !== undefined) {
      expect(other.presence).toBe("reconnecting");
      const left = await again.next("participantLeft", ({ id }) => id === bob.joined.self, 45_000);
      expect(left.reason).toBe("connectionLost");
    }
    again.close();
  }, 90_000);
});

describe("a server that is asked to stop", () => {
  test("says so, lets people go and ends with 0", async () => {
    const { peer } = await SignalingPeer.join(server.signalingUrl, "drained", "Alice");
    const stopped = server.stop();
    const end = await peer.end();
    expect(end.reason).toBe("SERVER_CLOSING");
    expect(await stopped).toBe(0);
  });

  test("is not ready meanwhile, and takes nobody new", async () => {
    const { peer } = await SignalingPeer.join(server.signalingUrl, "draining", "Alice");
    const stopped = server.stop();
    const status = await eventually("not ready", async () => {
      const response = await fetch(`${server.url}/readyz`).catch(() => undefined);
      return response === undefined ? "closed" : response.status !== 200 && response.status;
    });
    expect([503, "closed"]).toContain(status);
    peer.close();
    expect(await stopped).toBe(0);
  });

  test("gives those who come back to its successor their place", async () => {
    const { joined, peer } = await SignalingPeer.join(server.signalingUrl, "rolling", "Alice");
    const ended = peer.end();
    expect(await server.stop()).toBe(0);
    await ended;
    await server.start();
    const again = await resume(joined.session);
    expect((await again.next("joined")).self).toBe(joined.self);
    again.close();
  });
});
