import { expect, test } from "vitest";
import { type Observation, TimelineRecorder } from "./recorder.ts";
import type { VerdictCode } from "./timeline.ts";
import { judge, VERDICT_CODES, type VerdictHints, verdictOf } from "./verdict.ts";

const OFFER: Observation = { type: "description", kind: "offer", direction: "sent" };
const ANSWER: Observation = { type: "description", kind: "answer", direction: "received" };
const LOCAL_HOST: Observation = { type: "candidate", side: "local", candidateType: "host", protocol: "udp" };
const LOCAL_SRFLX: Observation = {
  type: "candidate",
  side: "local",
  candidateType: "srflx",
  protocol: "udp",
};
const LOCAL_RELAY: Observation = {
  type: "candidate",
  side: "local",
  candidateType: "relay",
  protocol: "udp",
};
const REMOTE_HOST: Observation = {
  type: "candidate",
  side: "remote",
  candidateType: "host",
  protocol: "udp",
};
const REMOTE_RELAY: Observation = {
  type: "candidate",
  side: "remote",
  candidateType: "relay",
  protocol: "udp",
};
const ICE_UP: Observation = { type: "ice", state: "connected" };
const DTLS_UP: Observation = { type: "dtls", state: "connected" };
const DATA: Observation = { type: "dataOpen" };
const EXPECTED: Observation = { type: "mediaExpected", expected: true };

function serverError(url: string, code: number): Observation {
  return { type: "serverError", error: { url, code, text: "" } };
}

const CASES: readonly (readonly [string, VerdictCode, readonly Observation[], VerdictHints])[] = [
  ["nobody made an offer", "EXCHANGE_NO_OFFER", [], {}],
  ["our offer was not answered", "EXCHANGE_NO_ANSWER", [OFFER], {}],
  ["signaling broke meanwhile", "EXCHANGE_SIGNALING_LOST", [OFFER], { signalingLost: true }],
  ["a description was refused", "EXCHANGE_DESCRIPTION_REFUSED", [OFFER], { descriptionRefused: "bad" }],
  ["we have no address", "PATH_NO_CANDIDATES", [OFFER, ANSWER], {}],
  ["they have no address", "PATH_NO_REMOTE_CANDIDATES", [OFFER, ANSWER, LOCAL_HOST], {}],
  [
    "no STUN server answers over UDP",
    "PATH_UDP_BLOCKED",
    [OFFER, ANSWER, LOCAL_HOST, REMOTE_HOST, serverError("stun:example.org:3478", 701)],
    {},
  ],
  [
    "only TURN over TCP could not be reached",
    "PATH_RELAY_UNREACHABLE",
    [OFFER, ANSWER, LOCAL_HOST, REMOTE_HOST, serverError("turn:example.org?transport=tcp", 701)],
    { relayConfigured: true },
  ],
  [
    "the relay refuses",
    "PATH_RELAY_REFUSED",
    [OFFER, ANSWER, LOCAL_HOST, REMOTE_HOST, serverError("turn:example.org", 401)],
    { relayConfigured: true },
  ],
  ["all was tried, the relay too", "PATH_NO_PAIR", [OFFER, ANSWER, LOCAL_HOST, LOCAL_RELAY, REMOTE_HOST], {}],
  [
    "all was tried, and nobody knows of a relay",
    "PATH_NO_PAIR",
    [OFFER, ANSWER, LOCAL_HOST, LOCAL_SRFLX, REMOTE_HOST],
    {},
  ],
  [
    "all was tried, and there is no relay",
    "PATH_NO_RELAY",
    [OFFER, ANSWER, LOCAL_HOST, LOCAL_SRFLX, REMOTE_HOST],
    { relayConfigured: false },
  ],
  [
    "all was tried, and only the other side has a relay",
    "PATH_NO_PAIR",
    [OFFER, ANSWER, LOCAL_HOST, LOCAL_SRFLX, REMOTE_RELAY],
    { relayConfigured: false },
  ],
  [
    "it worked, and broke",
    "PATH_LOST",
    [
      OFFER,
      ANSWER,
      LOCAL_HOST,
      REMOTE_HOST,
      ICE_UP,
      DTLS_UP,
      DATA,
      { type: "restart", kind: "ice", reason: "x" },
    ],
    {},
  ],
  ["the handshake does not end", "SECURITY_HANDSHAKE_TIMEOUT", [OFFER, ANSWER, ICE_UP], {}],
  [
    "the handshake fails",
    "SECURITY_HANDSHAKE_FAILED",
    [OFFER, ANSWER, ICE_UP],
    { dtlsError: "dtls-failure" },
  ],
  [
    "the certificate is another",
    "SECURITY_FINGERPRINT_MISMATCH",
    [OFFER, ANSWER, ICE_UP],
    { dtlsError: "fingerprint-failure", peerReason: "x" },
  ],
  ["no data channel opens", "MEDIA_NO_DATA_CHANNEL", [OFFER, ANSWER, ICE_UP, DTLS_UP], {}],
  ["no packet comes", "MEDIA_NONE_RECEIVED", [EXPECTED, OFFER, ANSWER, ICE_UP, DTLS_UP, DATA], {}],
  [
    "nothing can be decoded",
    "MEDIA_NOT_DECODED",
    [EXPECTED, OFFER, ANSWER, ICE_UP, DTLS_UP, DATA, { type: "firstPacket" }],
    {},
  ],
  ["the other side gave up", "PEER_GAVE_UP", [OFFER], { peerReason: "PATH_NO_PAIR" }],
  [
    "the other side gave up for the reason that we see too",
    "PATH_NO_RELAY",
    [OFFER, ANSWER, LOCAL_SRFLX, REMOTE_HOST],
    { relayConfigured: false, peerReason: "PATH_NO_RELAY" },
  ],
];

test.each(CASES)("when %s, the verdict is %s", (_why, code, observations, hints) => {
  const recorder = new TimelineRecorder(0, 0);
  for (const observation of observations) recorder.record(observation, 10);
  expect(judge(recorder.snapshot(), hints).code).toBe(code);
});

test("every code is covered above, and has a phase and two sentences", () => {
  expect([...new Set(CASES.map(([, code]) => code))].sort()).toEqual([...VERDICT_CODES].sort());
  for (const code of VERDICT_CODES) {
    const { phase, message, action } = verdictOf(code);
    expect(code.startsWith(phase.toUpperCase()) || code === "PEER_GAVE_UP").toBe(true);
    for (const sentence of [message, action]) expect(sentence).toMatch(/^[A-Z].*\.$/);
  }
});

test("the reason of the other side is quoted, but never more than a line of it", () => {
  const recorder = new TimelineRecorder(0, 0);
  const { message } = judge(recorder.snapshot(), { peerReason: `PATH\n${"x".repeat(500)}` });
  expect(message).toMatch(/^The other side gave the connection up: PATH x+\.$/);
  expect(message.length).toBeLessThan(130);
});
