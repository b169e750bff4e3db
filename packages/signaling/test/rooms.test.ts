import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseClientMessage } from "../src/validate/messages.ts";
import { CoreWorld } from "./core-harness.ts";

describe("who is in a room", () => {
  it("is told to those who are there, and answered whole to those who come", () => {
    const world = new CoreWorld();
    const host = world.joined("r", "host");
    const guest = world.joined("r", "guest");
    expect(world.take(host.connection)).toEqual([
      {
        type: "participantJoined",
        participant: {
          id: guest.joined.self,
          name: "guest",
          role: "guest",
          presence: "present",
          state: {},
          joinOrder: 2,
        },
      },
    ]);
    expect(guest.joined.participants.map(({ name }) => name)).toEqual(["host", "guest"]);
    expect(world.registry.stats).toMatchObject({ rooms: 1, participants: 2, joins: 2 });
  });

  it("keeps no place for who goes before being told of it, so that nobody absent is host", () => {
    const world = new CoreWorld({ isDurable: true });
    const ghost = world.join();
    const second = world.join();
    world.close(ghost);
    world.save();
    expect(world.theJoined(second).participants).toMatchObject([{ role: "host", presence: "present" }]);
    expect(world.registry.stats).toMatchObject({ participants: 1, reconnecting: 0 });
  });

  it("keeps a place for 30 s after the connection broke, then says connectionLost", () => {
    const world = new CoreWorld();
    const host = world.joined();
    const guest = world.joined();
    world.take(host.connection);
    world.close(guest.connection);
    expect(world.takeOf(host.connection, "participantChanged")[0]?.participant.presence).toBe("reconnecting");
    world.advance(29_900, [host.connection]);
    expect(world.takeOf(host.connection, "participantLeft")).toEqual([]);
    world.advance(200, [host.connection]);
    expect(world.takeOf(host.connection, "participantLeft")).toEqual([
      { type: "participantLeft", id: guest.joined.self, reason: "connectionLost" },
    ]);
    const late = world.resume(guest.joined.session);
    expect(world.wire(late).closed).toEqual({ code: 4000, reason: "SESSION_UNKNOWN" });
  });

  it("passes the host's rights to whoever has been there longest, and is connected, when the last host leaves", () => {
    const world = new CoreWorld();
    const host = world.joined("r", "host");
    const first = world.joined("r", "first");
    const second = world.joined("r", "second");
    world.close(first.connection);
    world.take(second.connection);
    world.send(host.connection, { type: "leave" });
    const changed = world
      .takeOf(second.connection, "participantChanged")
      .map(({ participant }) => participant);
    expect(changed.map(({ name, role }) => [name, role])).toEqual([["second", "host"]]);
  });

  it("ends with the last who leaves: the next to come finds a new one", () => {
    const world = new CoreWorld();
    const host = world.joined();
    world.send(host.connection, { type: "moderate", action: "lock", locked: true });
    world.send(host.connection, { type: "leave" });
    expect(world.registry.stats.rooms).toBe(0);
    const next = world.joined();
    expect(next.joined.room.locked).toBe(false);
    expect(next.joined.participants[0]).toMatchObject({ role: "host", joinOrder: 1 });
  });
});

describe("a dead connection", () => {
  it("is pinged after 3 s of silence and given up after 8 s, within 10 s in all", () => {
    const world = new CoreWorld();
    const host = world.joined();
    const dead = world.joined();
    world.advance(4_100, [host.connection]);
    expect(world.wire(dead.connection).pings).toBe(1);
    world.advance(5_900, [host.connection]);
    expect(world.wire(dead.connection).closed).toEqual({ code: 4001, reason: "HEARTBEAT_TIMEOUT" });
    expect(world.takeOf(host.connection, "participantChanged")[0]?.participant.presence).toBe("reconnecting");
    const back = world.resume(dead.joined.session);
    expect(world.theJoined(back)).toMatchObject({ self: dead.joined.self, resumed: true });
  });

  it("is not concluded from a standstill of the server itself", () => {
    const world = new CoreWorld();
    const host = world.joined();
    world.now += 60_000;
    world.registry.handleTimeout(world.now);
    world.drain();
    expect(world.wire(host.connection).closed).toBeUndefined();
  });

  it("that never joins is closed after 10 s, even if it answers pings", () => {
    const world = new CoreWorld();
    const idle = world.open();
    world.advance(11_100, [idle]);
    expect(world.wire(idle).closed).toEqual({ code: 4000, reason: "BAD_STATE" });
  });

  it("costs no timer once everybody is gone", () => {
    const world = new CoreWorld();
    const host = world.joined();
    world.send(host.connection, { type: "leave" });
    world.advance(1_000);
    expect(world.registry.pollTimeout()).toBe(Number.POSITIVE_INFINITY);
  });
});

describe("a host", () => {
  it("removes somebody, who cannot resume, nor come back under the same subject", () => {
    const world = new CoreWorld({ tokens: "required" });
    const answer = (subject: string): void => {
      const ask = world.events.shift();
      if (ask?.type !== "verifyToken") throw new Error("expected a question about a token");
      world.registry.handleToken(ask.id, { isValid: true, subject }, world.now);
      world.drain();
    };
    const host = world.join("r", "host", { token: "t" });
    answer("h");
    world.theJoined(host);
    const guest = world.join("r", "guest", { token: "t" });
    answer("g");
    const joined = world.theJoined(guest);
    world.send(host, { type: "moderate", action: "remove", target: joined.self });
    expect(world.wire(guest).closed).toEqual({ code: 4000, reason: "REMOVED" });
    expect(world.takeOf(host, "participantLeft")[0]?.reason).toBe("removed");
    expect(world.wire(world.resume(joined.session)).closed?.reason).toBe("REMOVED");
    const again = world.join("r", "other name", { token: "t" });
    answer("g");
    expect(world.wire(again).closed?.reason).toBe("REMOVED");
    const elsewhere = world.join("another", "guest", { token: "t" });
    answer("g");
    expect(world.theJoined(elsewhere).participants).toHaveLength(1);
  });

  it("who removes hundreds is not remembered for the first of them", () => {
    const world = new CoreWorld({ attempts: { perSecond: 1e6, burst: 1e6 } });
    const host = world.joined();
    const sessions = Array.from({ length: 300 }, () => {
      const { joined } = world.joined();
      world.send(host.connection, { type: "moderate", action: "remove", target: joined.self });
      return joined.session;
    });
    const answers = sessions.map((session) => world.wire(world.resume(session)).closed?.reason);
    expect(answers.filter((code) => code === "SESSION_UNKNOWN")).toHaveLength(44);
    expect(answers.slice(44).every((code) => code === "REMOVED")).toBe(true);
    expect(world.registry.snapshot().rooms[0]?.removed).toHaveLength(256);
  });

  it("locks the room: nobody new gets in, those inside come back", () => {
    const world = new CoreWorld();
    const host = world.joined();
    world.send(host.connection, { type: "moderate", action: "lock", locked: true });
    expect(world.wire(world.join()).closed).toEqual({ code: 4000, reason: "ROOM_LOCKED" });
    world.close(host.connection);
    expect(world.theJoined(world.resume(host.joined.session)).room.locked).toBe(true);
  });

  it("asks somebody to mute, which arrives as a numbered request", () => {
    const world = new CoreWorld();
    const host = world.joined();
    const guest = world.joined();
    world.send(host.connection, {
      type: "moderate",
      action: "mute",
      target: guest.joined.self,
      kind: "audio",
    });
    expect(world.takeOf(guest.connection, "muteRequest")).toEqual([
      { type: "muteRequest", from: host.joined.self, kind: "audio", seq: 1 },
    ]);
  });

  it("makes others hosts, who then see who knocks; the last one cannot stop being one", () => {
    const world = new CoreWorld();
    const host = world.joined();
    const guest = world.joined();
    const role = { type: "moderate", action: "role" } as const;
    world.send(host.connection, { ...role, target: host.joined.self, role: "guest" });
    expect(world.takeOf(host.connection, "error")[0]).toMatchObject({ code: "NOT_ALLOWED", fatal: false });
    world.send(host.connection, { type: "moderate", action: "lobby", enabled: true });
    const knocker = world.join("r", "knocker");
    world.take(guest.connection);
    world.send(host.connection, { ...role, target: guest.joined.self, role: "host" });
    expect(world.takeOf(guest.connection, "knocking")[0]?.knocking).toMatchObject([{ name: "knocker" }]);
    world.send(host.connection, { ...role, target: host.joined.self, role: "guest" });
    expect(world.takeOf(host.connection, "knocking").at(-1)?.knocking).toEqual([]);
    world.send(host.connection, { type: "moderate", action: "lobby", enabled: false });
    expect(world.takeOf(host.connection, "error")[0]?.code).toBe("NOT_ALLOWED");
    world.send(guest.connection, { type: "moderate", action: "lobby", enabled: false });
    expect(world.theJoined(knocker).participants).toHaveLength(3);
  });

  it("is the only one who may do any of it", () => {
    const world = new CoreWorld();
    const host = world.joined();
    const guest = world.joined();
    const target = host.joined.self;
    world.take(guest.connection);
    const actions = [
      { action: "lock", locked: true },
      { action: "lobby", enabled: true },
      { action: "admit", target },
      { action: "deny", target },
      { action: "mute", target, kind: "audio" },
      { action: "remove", target },
      { action: "role", target: guest.joined.self, role: "host" },
    ] as const;
    for (const action of actions) world.send(guest.connection, { type: "moderate", ...action });
    const codes = world.takeOf(guest.connection, "error").map(({ code }) => code);
    expect(codes).toEqual(actions.map(() => "NOT_ALLOWED"));
    expect(world.wire(host.connection).closed).toBeUndefined();
  });

  it("is never made by a guest's token, not even in an empty room; a host's token passes the lobby", () => {
    const world = new CoreWorld({ tokens: "required" });
    const come = (role: "host" | "guest"): number => {
      const connection = world.join("r", role, { token: "t" });
      const ask = world.events.shift();
      if (ask?.type !== "verifyToken") throw new Error("expected a question about a token");
      world.registry.handleToken(ask.id, { isValid: true, role }, world.now);
      world.drain();
      return connection;
    };
    expect(world.theJoined(come("guest")).participants[0]?.role).toBe("guest");
    const host = come("host");
    world.theJoined(host);
    world.send(host, { type: "moderate", action: "lobby", enabled: true });
    expect(world.take(come("guest"))).toMatchObject([{ type: "lobby" }]);
    expect(world.theJoined(come("host")).participants).toHaveLength(3);
    world.send(host, { type: "leave" });
  });
});

describe("the lobby", () => {
  it("forgets those who go away, and is closed to all when the room ends", () => {
    const world = new CoreWorld();
    const host = world.joined();
    world.send(host.connection, { type: "moderate", action: "lobby", enabled: true });
    const patient = world.join("r", "patient");
    const impatient = world.join("r", "impatient");
    world.take(host.connection);
    world.close(impatient);
    expect(world.takeOf(host.connection, "knocking")[0]?.knocking).toMatchObject([{ name: "patient" }]);
    world.send(host.connection, { type: "leave" });
    expect(world.wire(patient).closed?.reason).toBe("NOT_ADMITTED");
    expect(world.registry.stats).toMatchObject({ rooms: 0, knocking: 0, participants: 0 });
  });

  it("lets nobody speak who is not let in", () => {
    const world = new CoreWorld();
    const host = world.joined();
    world.send(host.connection, { type: "moderate", action: "lobby", enabled: true });
    const knocker = world.join();
    world.send(knocker, {
      type: "signal",
      to: host.joined.self,
      signal: { kind: "reset", reason: "" },
      seq: 1,
    });
    expect(world.wire(knocker).closed?.reason).toBe("BAD_STATE");
    expect(world.takeOf(host.connection, "signal")).toEqual([]);
  });
});

describe("limits", () => {
  it("of rooms, people, lobby and attempts are kept, each with its code", () => {
    const world = new CoreWorld({
      maxRooms: 2,
      maxTotalParticipants: 4,
      maxParticipants: 2,
      maxKnocking: 1,
      attempts: { perSecond: 1, burst: 10 },
    });
    const codeOf = (connection: number): string | undefined => world.wire(connection).closed?.reason;
    const host = world.joined("a");
    world.joined("a");
    expect(codeOf(world.join("a"))).toBe("ROOM_FULL");
    const other = world.joined("b");
    expect(codeOf(world.join("c"))).toBe("SERVER_FULL");
    world.send(other.connection, { type: "moderate", action: "lobby", enabled: true });
    expect(codeOf(world.join("b"))).toBeUndefined();
    expect(codeOf(world.join("b"))).toBe("SERVER_FULL");
    world.send(host.connection, { type: "leave" });
    expect(codeOf(world.join("b"))).toBe("ROOM_FULL");
    for (let i = 0; i < 3; i++) world.join("a");
    expect(codeOf(world.join("a"))).toBe("TOO_MANY_ATTEMPTS");
    expect(codeOf(world.join("a", "n", {}, "10.0.0.2"))).toBe("SERVER_FULL");
  });

  it("end the session of who does not acknowledge, and of nobody else", () => {
    const world = new CoreWorld({ log: { maxMessages: 40, maxBytes: 1e6 } });
    const host = world.joined();
    const senders = [1, 2, 3, 4, 5].map(() => world.joined().connection);
    const deaf = world.joined();
    const all = [host.connection, deaf.connection, ...senders];
    world.send(senders[0] ?? 0, {
      type: "signal",
      to: deaf.joined.self,
      signal: { kind: "reset", reason: "first" },
    });
    world.advance(20_000, all);
    for (let i = 0; i < 9; i++) {
      for (const sender of senders) {
        world.send(sender, {
          type: "signal",
          to: deaf.joined.self,
          signal: { kind: "reset", reason: `${i}` },
        });
      }
    }
    expect(world.wire(deaf.connection).closed?.reason).toBe("SESSION_UNKNOWN");
    expect(world.takeOf(host.connection, "participantLeft").map(({ id }) => id)).toEqual([deaf.joined.self]);
    for (const sender of senders) expect(world.wire(sender).closed).toBeUndefined();
  });

  it("end the session of who is refused again and again and reads none of it", () => {
    const world = new CoreWorld({ log: { maxMessages: 40, maxBytes: 1e6 } });
    const flooder = world.joined();
    for (let i = 0; i < 41; i++) {
      world.send(flooder.connection, {
        type: "signal",
        to: "nobody",
        signal: { kind: "reset", reason: "" },
      });
    }
    expect(world.wire(flooder.connection).closed).toEqual({ code: 4000, reason: "RATE_LIMITED" });
    expect(world.registry.stats.participants).toBe(0);
  });

  it("end the session of who floods somebody whose connection is broken, not the victim's", () => {
    const world = new CoreWorld({ log: { maxMessages: 40, maxBytes: 1e6 } });
    const victim = world.joined();
    const flooder = world.joined();
    world.close(victim.connection);
    for (let i = 0; i < 50; i++) {
      world.send(flooder.connection, {
        type: "signal",
        to: victim.joined.self,
        signal: { kind: "reset", reason: "x" },
      });
    }
    expect(world.wire(flooder.connection).closed?.reason).toBe("RATE_LIMITED");
    const back = world.resume(victim.joined.session);
    expect(world.theJoined(back).participants).toHaveLength(1);
    expect(world.takeOf(back, "signal")).toHaveLength(0);
  });

  it("let no group push out whom it floods, connected or not, even when its members leave in time", () => {
    for (const isConnected of [true, false]) {
      const world = new CoreWorld({ log: { maxMessages: 40, maxBytes: 1e6 } });
      const victim = world.joined();
      const flooders = [1, 2, 3, 4].map(() => world.joined().connection);
      const honest = world.joined();
      if (!isConnected) world.close(victim.connection);
      const signalFrom = (connection: number, reason: string): void => {
        const signal = { kind: "reset", reason } as const;
        world.send(connection, { type: "signal", to: victim.joined.self, signal });
      };
      for (let i = 0; i < 10; i++) for (const flooder of flooders) signalFrom(flooder, "x");
      const [gone = 0, ...rest] = flooders;
      world.send(gone, { type: "leave" });
      for (let i = 0; i < 9; i++) signalFrom(honest.connection, `${i}`);
      for (const flooder of rest) signalFrom(flooder, "x");
      expect(world.wire(honest.connection).closed).toBeUndefined();
      const lost = world.takeOf(honest.connection, "participantLeft").map(({ id }) => id);
      expect(lost).not.toContain(victim.joined.self);
      const back = world.resume(victim.joined.session);
      expect(world.theJoined(back)).toMatchObject({ self: victim.joined.self, resumed: true });
      const messages = world.take(back).filter(({ seq }) => seq !== undefined);
      expect(messages.map(({ seq }) => seq)).toEqual(messages.map((_, index) => index + 1));
      const kept = messages.filter(
        (message) => message.type === "signal" && message.from === honest.joined.self,
      );
      expect(kept).toHaveLength(9);
    }
  });
});

describe("sessions", () => {
  it("are resumed by the secret only", () => {
    const world = new CoreWorld();
    const host = world.joined();
    world.joined();
    const { self, session } = host.joined;
    const last = session.endsWith("0") ? "1" : "0";
    for (const wrong of [self, `${self}.${"0".repeat(64)}`, session.slice(0, -1) + last, "x", ""]) {
      expect(world.wire(world.resume(wrong)).closed?.reason).toBe("SESSION_UNKNOWN");
    }
    expect(world.wire(host.connection).closed).toBeUndefined();
  });

  it("move to the newest connection; the older one is told so", () => {
    const world = new CoreWorld();
    const host = world.joined();
    const guest = world.joined();
    const moved = world.resume(guest.joined.session);
    expect(world.wire(guest.connection).closed).toEqual({ code: 4000, reason: "REPLACED" });
    expect(world.theJoined(moved).self).toBe(guest.joined.self);
    world.send(guest.connection, { type: "leave" });
    world.close(guest.connection);
    expect(world.takeOf(host.connection, "participantLeft")).toEqual([]);
  });

  it("end when the client claims to have what was never sent, or lost what it sent", () => {
    const world = new CoreWorld();
    const liar = world.joined();
    expect(world.wire(world.resume(liar.joined.session, 5)).closed?.reason).toBe("SESSION_UNKNOWN");
    const gap = world.joined();
    world.send(gap.connection, { type: "state", state: {}, seq: 2 });
    expect(world.wire(gap.connection).closed?.reason).toBe("SESSION_UNKNOWN");
    const ack = world.joined();
    world.send(ack.connection, { type: "ack", ack: 1 });
    expect(world.wire(ack.connection).closed?.reason).toBe("BAD_MESSAGE");
    expect(world.registry.stats.participants).toBe(0);
  });

  it("are saved again once their messages have other numbers", () => {
    const world = new CoreWorld({ isDurable: true });
    const connection = world.join();
    const snapshot = world.save();
    const { session } = world.theJoined(connection);
    const second = new CoreWorld({ isDurable: true }, snapshot);
    second.save();
    const { revision } = second.registry;
    second.resume(session, 5);
    expect(second.registry.revision).toBeGreaterThan(revision);
    expect(second.save().rooms[0]?.participants[0]?.session.sent).toBe(5);
  });

  it("survive the server with their ids, roles, lock and lobby; only the hash of the secret is kept", () => {
    const world = new CoreWorld({ isDurable: true });
    const first = world.join("r", "host");
    expect(world.take(first)).toEqual([]);
    world.save();
    const host = world.theJoined(first);
    const second = world.join("r", "guest");
    world.save();
    const guest = world.theJoined(second);
    world.send(first, { type: "moderate", action: "lobby", enabled: true, seq: 1 });
    world.send(first, { type: "moderate", action: "lock", locked: true, seq: 2 });
    world.send(second, { type: "signal", to: host.self, signal: { kind: "reset", reason: "kept" }, seq: 1 });
    const snapshot = world.save();
    const text = JSON.stringify(snapshot);
    for (const { session } of [host, guest]) expect(text).not.toContain(session.split(".")[1]);

    const next = new CoreWorld({ isDurable: true }, snapshot, 7);
    const resumed = next.resume(host.session, 0);
    const joined = next.theJoined(resumed);
    expect(joined).toMatchObject({
      self: host.self,
      resumed: true,
      received: 2,
      room: { locked: true, lobby: true },
    });
    expect(joined.participants.map(({ id, role, presence }) => [id, role, presence])).toEqual([
      [host.self, "host", "present"],
      [guest.self, "guest", "reconnecting"],
    ]);
    expect(next.takeOf(resumed, "signal")).toMatchObject([{ from: guest.self, fromSeq: 1, seq: 1 }]);
    next.advance(31_000, [resumed]);
    expect(next.takeOf(resumed, "participantLeft")).toMatchObject([{ id: guest.self }]);
    expect(next.registry.stats.participants).toBe(1);
  });
});

describe("whatever comes in whatever order", () => {
  it("the core never throws, and its books balance", () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant("open" as const), address: fc.constantFrom("a", "b") }),
      fc.record({ do: fc.constant("close" as const), connection: fc.nat({ max: 12 }) }),
      fc.record({ do: fc.constant("wait" as const), ms: fc.constantFrom(50, 1_000, 9_000, 40_000) }),
      fc.record({
        do: fc.constant("send" as const),
        connection: fc.nat({ max: 12 }),
        seq: fc.option(fc.nat({ max: 4 }), { nil: undefined }),
        message: fc.constantFrom(
          { type: "join", version: 1, room: "r", name: "n" },
          { type: "join", version: 1, room: "q", name: "n" },
          { type: "join", version: 2, room: "q", name: "n" },
          { type: "resume", version: 1, session: "SESSION", received: 0 },
          { type: "leave" },
          { type: "signal", to: "ID", signal: { kind: "candidate", candidate: null } },
          { type: "state", state: { hand: true } },
          { type: "report", peer: "ID", phase: "path", outcome: "failed" },
          { type: "moderate", action: "lock", locked: true },
          { type: "moderate", action: "lobby", enabled: true },
          { type: "moderate", action: "lobby", enabled: false },
          { type: "moderate", action: "admit", target: "ID" },
          { type: "moderate", action: "deny", target: "ID" },
          { type: "moderate", action: "remove", target: "ID" },
          { type: "moderate", action: "role", target: "ID", role: "host" },
          { type: "ack", ack: 1 },
          { type: "ping" },
          { type: "nonsense" },
        ),
      }),
    );
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 150, size: "max" }), (steps) => {
        const world = new CoreWorld({ maxParticipants: 3, maxKnocking: 2 });
        const connections: number[] = [];
        const ids: string[] = ["nobody"];
        const sessions: string[] = ["none"];
        steps.forEach((each, index) => {
          const connection =
            "connection" in each ? connections[each.connection % connections.length] : undefined;
          if (each.do === "open") connections.push(world.open(each.address));
          if (each.do === "wait") world.advance(each.ms);
          if (each.do === "close" && connection !== undefined) world.close(connection);
          if (each.do !== "send" || connection === undefined) return;
          const text = JSON.stringify({ ...each.message, seq: each.seq })
            .replace("ID", ids[index % ids.length]!)
            .replace("SESSION", sessions[index % sessions.length]!);
          const parsed = parseClientMessage(text);
          if (!parsed.isValid) return;
          world.send(connection, parsed.message);
          for (const message of world.wire(connection).messages) {
            if (message.type === "joined") sessions.push(message.session);
            if (message.type === "joined") ids.push(message.self);
            if (message.type === "knocking") ids.push(...message.knocking.map(({ id }) => id));
          }
        });
        const { stats } = world.registry;
        const snapshot = world.registry.snapshot();
        const people = snapshot.rooms.flatMap(({ participants }) => participants);
        expect(stats.participants).toBe(people.length);
        expect(snapshot.rooms.every(({ participants }) => participants.length > 0)).toBe(true);
        expect(stats.participants - stats.reconnecting + stats.knocking).toBeLessThanOrEqual(
          stats.connections,
        );
        for (const connection of connections) world.close(connection);
        world.advance(31_000);
        expect(world.registry.stats).toMatchObject({
          connections: 0,
          rooms: 0,
          participants: 0,
          reconnecting: 0,
          knocking: 0,
        });
      }),
      { numRuns: 300 },
    );
  });
});

describe("ICE servers", () => {
  const fresh = [{ urls: ["turn:t.example:8443"], username: "2:x", credential: "b" }];

  it("are given again while a call lasts, as often as asked for, to those who are connected", () => {
    const world = new CoreWorld({ iceServersRefreshMs: 60_000 });
    const guest = world.joined();
    world.iceServers = fresh;
    world.advance(58_000, [guest.connection]);
    expect(world.takeOf(guest.connection, "iceServers")).toEqual([]);
    world.advance(4_000, [guest.connection]);
    expect(world.takeOf(guest.connection, "iceServers")).toEqual([{ type: "iceServers", iceServers: fresh }]);
    world.advance(180_000, [guest.connection]);
    expect(world.takeOf(guest.connection, "iceServers")).toHaveLength(3);
  });

  it("are not given again by default", () => {
    const world = new CoreWorld();
    const guest = world.joined();
    world.advance(600_000, [guest.connection]);
    expect(world.takeOf(guest.connection, "iceServers")).toEqual([]);
  });

  it("end with the participant: the owner is told when it leaves for good, and not when its connection breaks", () => {
    const world = new CoreWorld();
    const host = world.joined();
    const guest = world.joined();
    world.close(guest.connection);
    expect(world.left).toEqual([]);
    world.advance(31_000, [host.connection]);
    world.send(host.connection, { type: "leave" });
    expect(world.left).toEqual([guest.joined.self, host.joined.self]);
  });
});
