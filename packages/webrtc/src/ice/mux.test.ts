import { describe, expect, test } from "vitest";
import { at } from "../../test/ice-bench.ts";
import { StunMessageBuilder, StunMethod, USERNAME } from "../stun/index.ts";
import { IceMux } from "./mux.ts";

const FROM = at("192.0.2.1:1000");

describe("several agents on one socket", () => {
  test("get the requests with their fragment, wherever these come from", () => {
    const mux = new IceMux<string>();
    mux.add("alice", "a");
    mux.add("bobby", "b");
    expect(mux.find(datagram("alice:x"))).toBe("a");
    expect(mux.find(datagram("bobby:x"))).toBe("b");
    expect(mux.find(datagram("carol:x"))).toBeUndefined();
    expect(mux.find(datagram("alice"))).toBeUndefined();
  });

  test("get all else by addresses that were learnt, one socket apart from the other", () => {
    const mux = new IceMux<string>();
    mux.learn("a", 1, FROM);
    const bytes = Uint8Array.of(22, 1, 2);
    expect(mux.find({ bytes, from: FROM, socket: 1 })).toBe("a");
    expect(mux.find({ bytes, from: FROM, socket: 2 })).toBeUndefined();
    expect(mux.find({ bytes, from: at("192.0.2.1:1001"), socket: 1 })).toBeUndefined();
    expect(mux.find({ bytes: new Uint8Array(0), from: FROM, socket: 1 })).toBe("a");
  });

  test("keep an address until its peer proves itself to another agent", () => {
    const mux = new IceMux<string>();
    mux.add("bobby", "b");
    mux.learn("a", 1, FROM);
    // A request names the other agent; only its owner can say that it was authentic.
    expect(mux.find(datagram("bobby:x"))).toBe("b");
    expect(mux.find({ bytes: Uint8Array.of(22), from: FROM, socket: 1 })).toBe("a");
    mux.learn("b", 1, FROM);
    expect(mux.find({ bytes: Uint8Array.of(22), from: FROM, socket: 1 })).toBe("b");
    mux.remove("a");
    expect(mux.find({ bytes: Uint8Array.of(22), from: FROM, socket: 1 })).toBe("b");
  });

  test("are forgotten with their fragments and addresses", () => {
    const mux = new IceMux<string>();
    mux.add("alice", "a");
    mux.learn("a", 1, FROM);
    mux.remove("a");
    expect(mux.size).toBe(0);
    expect(mux.find(datagram("alice:x"))).toBeUndefined();
    expect(mux.find({ bytes: Uint8Array.of(22), from: FROM, socket: 1 })).toBeUndefined();
  });

  test("never share a fragment", () => {
    const mux = new IceMux<string>();
    mux.add("alice", "a");
    mux.add("alice", "a");
    expect(() => mux.add("alice", "b")).toThrow(RangeError);
  });

  test("remember the newest addresses of a peer that has many", () => {
    const mux = new IceMux<string>();
    for (let port = 1; port <= 1000; port++) mux.learn("a", 1, at(`192.0.2.1:${port}`));
    const bytes = Uint8Array.of(22);
    expect(mux.find({ bytes, from: at("192.0.2.1:1000"), socket: 1 })).toBe("a");
    expect(mux.find({ bytes, from: at("192.0.2.1:1"), socket: 1 })).toBeUndefined();
  });
});

function datagram(username: string): { bytes: Uint8Array; from: typeof FROM; socket: number } {
  const bytes = new StunMessageBuilder()
    .start("request", StunMethod.binding, new Uint8Array(12))
    .add(USERNAME, username)
    .finish()
    .slice();
  return { bytes, from: FROM, socket: 1 };
}
