import { SILENT_LOGGER } from "@naru/webrtc/sansio";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createBrowserPlatform } from "../platform/browser.ts";
import { FakePeerConnection, standIn } from "../testing/fake-peer-connection.ts";
import { PeerConnection, type PeerConnectionEvent } from "./peer-connection.ts";

interface End {
  readonly connection: PeerConnection;
  readonly fake: FakePeerConnection;
  readonly outbox: { type: string; sdp: string }[];
}

function end(polite: boolean): End {
  const fake = new FakePeerConnection();
  const outbox: { type: string; sdp: string }[] = [];
  const tracks = { microphone: null, camera: null, screen: null, screenAudio: null };
  const connection = new PeerConnection({
    platform: { ...createBrowserPlatform(), createPeerConnection: () => standIn(fake) },
    configuration: {},
    polite,
    media: { tracks, streams: standIn({}) },
    log: SILENT_LOGGER,
    onEvent: (event: PeerConnectionEvent) => {
      if (event.type === "signal" && event.signal.kind === "description")
        outbox.push(event.signal.description);
    },
  });
  return { connection, fake, outbox };
}

async function settle(): Promise<void> {
  for (let i = 0; i < 12; i++) await new Promise((resolve) => setImmediate(resolve));
}

test("the later one makes the first offer, and both agree", async () => {
  const [polite, impolite] = [end(true), end(false)];
  await settle();
  expect(impolite.outbox).toEqual([]);
  expect(polite.outbox.map((description) => description.type)).toEqual(["offer"]);
  impolite.connection.handleDescription(polite.outbox[0]!);
  await settle();
  polite.connection.handleDescription(impolite.outbox[0]!);
  await settle();
  expect(polite.fake.agreed).toEqual(impolite.fake.agreed);
  expect(polite.fake.signalingState).toBe("stable");
});

test("an answer to an offer of a connection that was given up is not taken for ours", async () => {
  const [old, impolite, fresh] = [end(true), end(false), end(true)];
  await settle();
  impolite.connection.handleDescription(old.outbox[0]!);
  await settle();
  fresh.connection.handleDescription(impolite.outbox[0]!);
  await settle();
  expect(fresh.fake.signalingState).toBe("have-local-offer");
});

test("whenever both restart at once, they end stable and agreed", async () => {
  const step = fc.constantFrom("restartA", "restartB", "moveA", "moveB", "wait");
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const [a, b] = [end(true), end(false)];
      const move = (from: End, to: End): boolean => {
        const description = from.outbox.shift();
        if (description !== undefined) to.connection.handleDescription(description);
        return description !== undefined;
      };
      for (const name of steps) {
        if (name === "restartA") a.connection.restartIce();
        else if (name === "restartB") b.connection.restartIce();
        else if (name === "moveA") move(a, b);
        else if (name === "moveB") move(b, a);
        else await settle();
      }
      for (let quiet = 0; quiet < 2; ) {
        await settle();
        quiet = [move(a, b), move(b, a)].includes(true) ? 0 : quiet + 1;
      }
      expect([a.fake.signalingState, b.fake.signalingState]).toEqual(["stable", "stable"]);
      expect(a.fake.agreed).toBeDefined();
      expect(a.fake.agreed).toEqual(b.fake.agreed);
    }),
    { numRuns: 150 },
  );
});
