import { CLOSE_CODE_REFUSED, type ParticipantInfo } from "@naru/signaling/protocol";
import { expect, onTestFinished, test, vi } from "vitest";
import { createBrowserPlatform } from "./platform/browser.ts";
import type { ClientPlatform } from "./platform/platform.ts";
import { Room } from "./room.ts";
import { FakePeerConnection, standIn } from "./testing/fake-peer-connection.ts";

/** The server's end of a WebSocket. */
class Socket {
  readonly readyState = 1;
  readonly sent: string[] = [];
  onopen: (() => void) | undefined;
  onclose: ((event: { code: number; reason: string }) => void) | undefined;
  onmessage: ((event: { data: string }) => void) | undefined;

  send(text: string): void {
    this.sent.push(text);
  }

  close(): void {}

  /** Closes for no known reason; another one is to be opened. */
  fail(): void {
    this.onopen = undefined;
    this.onclose?.({ code: CLOSE_CODE_REFUSED, reason: "" });
  }

  receive(message: object): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
}

interface Setup {
  readonly room: Room;
  /** Lets the room be joined, with these others in it. */
  join(...others: ParticipantInfo[]): Promise<void>;
  readonly socket: Socket;
}

function setUp(platform: Partial<Record<keyof ClientPlatform, unknown>>): Setup {
  const socket = new Socket();
  const all: ClientPlatform = Object.create(
    createBrowserPlatform(),
    Object.getOwnPropertyDescriptors({
      origin: "http://localhost",
      createWebSocket: () => socket,
      createMediaStream: () => standIn({ id: "stream", getTracks: () => [], addTrack: () => undefined }),
      ...platform,
    }),
  );
  const room = new Room({ platform: all });
  onTestFinished(() => room.leave());
  return {
    room,
    socket,
    async join(...others) {
      const joined = room.connect({ room: "r", name: "Mina" });
      await vi.waitFor(() => expect(socket.onopen).toBeDefined());
      socket.onopen?.();
      socket.receive({
        type: "joined",
        self: "me",
        session: "secret",
        room: { name: "r", locked: false, lobby: false, maxParticipants: 50 },
        participants: [participant("me", 1), ...others],
        knocking: [],
        iceServers: [{ urls: ["turn:"] }],
        resumed: false,
        received: 0,
      });
      await joined;
    },
  };
}

function participant(id: string, joinOrder: number, state: ParticipantInfo["state"] = {}): ParticipantInfo {
  return { id, name: id, role: "guest", presence: "present", state, joinOrder };
}

test("an ICE server that the browser cannot read keeps nobody from joining or connecting", async () => {
  const { room, join } = setUp({
    createPeerConnection: ({ iceServers = [] }: RTCConfiguration) => {
      if (iceServers.length > 0) throw new SyntaxError("turn: is no URL of a server");
      return new FakePeerConnection();
    },
  });
  await join(participant("juno", 2), participant("sol", 3));
  expect([...room.remoteParticipants.keys()]).toEqual(["juno", "sol"]);
  expect(room.remoteParticipants.get("juno")?.timeline.path.serverErrors).toMatchObject([
    { url: "iceServers", text: expect.stringContaining("turn: is no URL") },
  ]);
});

test("a browser that makes no connections at all still joins", async () => {
  const { room, join } = setUp({
    createPeerConnection: () => {
      throw new Error("WebRTC is switched off");
    },
  });
  await join(participant("juno", 2));
  expect(room.state).toBe("connected");
});

test("leaving while a device is being opened rejects connect(), and nothing else", async () => {
  const unhandled = vi.fn();
  process.on("unhandledRejection", unhandled);
  onTestFinished(() => void process.off("unhandledRejection", unhandled));
  let refuse = (_error: Error): void => undefined;
  const prompt = new Promise((_, reject) => {
    refuse = reject;
  });
  const { room } = setUp({ mediaDevices: { getUserMedia: () => prompt } });
  const joined = room.connect({ room: "r", name: "Mina", microphone: true });
  await room.leave();
  await new Promise((resolve) => setTimeout(resolve));
  expect(unhandled).not.toHaveBeenCalled();
  refuse(new DOMException("dismissed", "NotAllowedError"));
  await expect(joined).rejects.toMatchObject({ code: "LEFT" });
});

test("a screen that appears and disappears is told by trackChanged", async () => {
  const kinds = ["audio", "video", "video", "audio"];
  const transceivers = kinds.map((kind) => ({ sender: { track: null }, receiver: { track: { kind } } }));
  const pc = Object.assign(new FakePeerConnection(), {
    getTransceivers: () => transceivers,
    ontrack: (_event: object): void => undefined,
  });
  const { room, join, socket } = setUp({ createPeerConnection: () => pc });
  await join(participant("juno", 2));
  for (const transceiver of transceivers) {
    pc.ontrack({ transceiver, track: transceiver.receiver.track, streams: [] });
  }
  const screens: boolean[] = [];
  room.on("trackChanged", ({ screen }) => screens.push(screen !== undefined));
  for (const screen of [true, true, false]) {
    socket.receive({ type: "participantChanged", participant: participant("juno", 2, { screen }) });
  }
  expect(screens).toEqual([true, false]);
});

test("a function is asked for a fresh token at each join, and once more when it fails", async () => {
  const { room, socket } = setUp({ createPeerConnection: () => new FakePeerConnection(), random: () => 0 });
  let asked = 0;
  const token = async (): Promise<string> => {
    asked++;
    if (asked === 1) throw new Error("the token service is down");
    return `token ${asked}`;
  };
  const joined = room.connect({ room: "r", name: "Mina", token });
  joined.catch(() => undefined);
  await vi.waitFor(() => expect(socket.onopen).toBeDefined());
  socket.onopen?.();
  expect(JSON.parse(socket.sent.at(-1) ?? "")).toMatchObject({ type: "join", token: "token 2" });
  socket.fail();
  await vi.waitFor(() => expect(socket.onopen).toBeDefined());
  socket.onopen?.();
  expect(JSON.parse(socket.sent.at(-1) ?? "")).toMatchObject({ type: "join", token: "token 3" });
});
