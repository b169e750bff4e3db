import { expect, test } from "vitest";
import {
  answeredOrigin,
  fingerprintOf,
  hasUsernameFragment,
  markAnswer,
  offerRole,
  originOf,
  roleOf,
  sessionIdOf,
} from "./description.ts";

const CHROMIUM =
  "v=0\r\no=- 4611733054762223410 2 IN IP4 127.0.0.1\r\ns=-\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=ice-ufrag:4ZcD\r\nm=video 9 x 1\r\n";
const FIREFOX =
  "v=0\r\no=mozilla...THIS_IS_SDPARTA-99.0 7839430274 0 IN IP4 0.0.0.0\r\na=fingerprint:sha-256 AA:BB\r\nm=application 9 x 1\r\na=ice-ufrag:f00d\r\n";

test("the origin tells one peer connection from another, and one offer from the next", () => {
  expect(sessionIdOf(CHROMIUM)).toBe("4611733054762223410");
  expect(originOf(FIREFOX)).toBe("7839430274/0");
  expect(originOf("v=0\r\ns=-\r\n")).toBeUndefined();
});

test("an answer is marked once, before its first media section", () => {
  const marked = markAnswer(FIREFOX, CHROMIUM);
  expect(answeredOrigin(marked)).toBe("4611733054762223410/2");
  expect(marked.indexOf("a=x-naru-answers")).toBeLessThan(marked.indexOf("m="));
  expect(marked.replace(/a=x-naru-answers:.*\r\n/, "")).toBe(FIREFOX);
  expect(answeredOrigin(FIREFOX)).toBeUndefined();
});

test("fingerprints and user names are read as they are", () => {
  expect(fingerprintOf(FIREFOX)).toBe("sha-256 AA:BB");
  expect(fingerprintOf(undefined)).toBeUndefined();
  expect(hasUsernameFragment(CHROMIUM, "4ZcD")).toBe(true);
  expect(hasUsernameFragment(CHROMIUM, "4Zc")).toBe(false);
});

test("a later offer keeps the DTLS role that was negotiated", () => {
  const offer = "v=0\r\nm=audio 9 x 1\r\na=setup:actpass\r\nm=video 9 x 1\r\na=setup:actpass\r\n";
  expect(roleOf(offer)).toBeUndefined();
  expect(offerRole(offer, undefined)).toBe(offer);
  const kept = offerRole(offer, "passive");
  expect(kept.match(/a=setup:passive\r\n/g)).toHaveLength(2);
  expect(roleOf(kept)).toBe("passive");
});
