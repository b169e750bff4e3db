import type { ParticipantInfo } from "@naru/signaling/protocol";
import { SILENT_LOGGER } from "@naru/webrtc/sansio";
import { expect, onTestFinished, test } from "vitest";
import type { OutgoingMedia } from "../connection/media-slots.ts";
import { createBrowserPlatform } from "../platform/browser.ts";
import { FakePeerConnection, standIn } from "../testing/fake-peer-connection.ts";
import { Mesh } from "./mesh.ts";

const MEDIA = {
  tracks: { microphone: null, camera: null, screen: null, screenAudio: null },
  streams: standIn<OutgoingMedia["streams"]>({}),
};

interface Setup {
  readonly mesh: Mesh;
  /** Peer connections that were made: each `reset` of the other side that is obeyed makes another one. */
  built(): number;
  join(id: string): void;
  reset(from: string, fromSeq?: number): void;
}

function setUp(): Setup {
  let built = 0;
  const mesh = new Mesh({
    platform: {
      ...createBrowserPlatform(),
      createPeerConnection: () => {
        built++;
        return standIn(new FakePeerConnection());
      },
    },
    log: SILENT_LOGGER,
    iceTransportPolicy: "all",
    onEvent: () => undefined,
  });
  onTestFinished(() => mesh.close());
  return {
    mesh,
    built: () => built,
    join: (id) => void mesh.add(participant(id), 1, MEDIA),
    reset: (from, fromSeq) =>
      mesh.handleSignal({
        type: "signal",
        from,
        ...(fromSeq !== undefined && { fromSeq }),
        signal: { kind: "reset", reason: "test" },
      }),
  };
}

function participant(id: string): ParticipantInfo {
  return { id, name: id, role: "guest", presence: "present", state: {}, joinOrder: 2 };
}

test("a signal that a restarted server passes on once more is dropped", () => {
  const { join, reset, built } = setUp();
  join("juno");
  reset("juno", 3);
  expect(built()).toBe(2);
  for (const repeated of [3, 2, 1]) reset("juno", repeated);
  expect(built()).toBe(2);
  // Numbers may be left out: the other messages of the sender have some too.
  reset("juno", 7);
  expect(built()).toBe(3);
});

test("each sender counts for itself, and who joined again counts anew", () => {
  const { mesh, join, reset, built } = setUp();
  join("juno");
  join("sol");
  reset("juno", 40);
  reset("sol", 2);
  expect(built()).toBe(4);
  mesh.remove("juno");
  join("juno-again");
  reset("juno-again", 1);
  expect(built()).toBe(6);
  reset("juno-again", 1);
  expect(built()).toBe(6);
});

test("a signal without a number is never taken for a repeated one", () => {
  const { join, reset, built } = setUp();
  join("juno");
  reset("juno", 9);
  reset("juno");
  reset("juno");
  expect(built()).toBe(4);
});
