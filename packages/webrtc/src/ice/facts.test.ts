import { describe, expect, test } from "vitest";
import { type IceFacts, type IceServerError, judgeIce } from "./facts.ts";

const NONE = { host: 0, srflx: 0, prflx: 0, relay: 0 };
const HOST = { ...NONE, host: 1 };

describe("why there is no path", () => {
  test.each([
    ["path-lost", { hadValidPair: true }, []],
    ["no-parameters", { hasRemoteParameters: false }, []],
    ["no-local-candidates", { localCandidates: NONE }, []],
    ["no-remote-candidates", { remoteCandidates: NONE }, []],
    ["no-pair", { pairs: 0 }, []],
    ["wrong-credentials", { wrongCredentials: 3 }, []],
    ["no-answer", { wrongCredentials: 3, answersReceived: 1 }, []],
    ["no-answer", {}, []],
    ["no-answer", { localCandidates: { ...HOST, relay: 1 } }, [error("stun:s", 701)]],
    ["udp-blocked", {}, [error("stun:s", 701)]],
    ["relay-refused", {}, [error("turn:t", 401), error("stun:s", 701)]],
    ["relay-unreachable", { localCandidates: { ...HOST, srflx: 1 } }, [error("turn:t?transport=tcp", 701)]],
    ["no-answer", { localCandidates: { ...HOST, srflx: 1 } }, [error("stun:s", 701)]],
  ] as const)("%s: %j %j", (reason, facts, errors) => {
    expect(judgeIce({ ...FACTS, ...facts }, errors)).toBe(reason);
  });
});

const FACTS: IceFacts = {
  localCandidates: HOST,
  remoteCandidates: HOST,
  isLocalEnded: true,
  isRemoteEnded: true,
  hasRemoteParameters: true,
  pairs: 1,
  tried: {},
  checksSent: 6,
  answersReceived: 0,
  requestsReceived: 0,
  wrongCredentials: 0,
  roleConflicts: 0,
  hadValidPair: false,
};

function error(url: string, errorCode: number): IceServerError {
  return { url, address: undefined, port: undefined, errorCode, errorText: "" };
}
