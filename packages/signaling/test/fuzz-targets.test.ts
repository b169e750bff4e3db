import fc from "fast-check";
import { describe, it } from "vitest";
import { fuzzClientMessage, fuzzRooms } from "./fuzz-targets.ts";

const encoder = new TextEncoder();
const line = fc.constantFrom(
  'a{"type":"join","version":1,"room":"r","name":"n"}',
  'b{"type":"join","version":1,"room":"r","name":"n","state":{"streams":{"__proto__":"camera"}}}',
  'c{"type":"join","version":1,"room":"r","name":"n"}',
  'd{"type":"resume","version":1,"session":"$S","received":0}',
  'a{"type":"moderate","action":"lobby","enabled":true}',
  'a{"type":"moderate","action":"admit","target":"$I"}',
  'a{"type":"moderate","action":"remove","target":"$I"}',
  'b{"type":"signal","to":"$I","seq":1,"signal":{"kind":"candidate","candidate":null}}',
  'a{"type":"ack","ack":1}',
  "a!",
  "b!",
  "5",
  "400",
);

describe("fuzz targets", () => {
  it("take any bytes", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 2_000 }), (bytes) => fuzzClientMessage(bytes)));
    fc.assert(fc.property(fc.uint8Array({ maxLength: 2_000 }), (bytes) => fuzzRooms(bytes)));
  });

  it("take any history of the room core", () => {
    fc.assert(
      fc.property(fc.array(line, { maxLength: 40, size: "max" }), (lines) =>
        fuzzRooms(encoder.encode(lines.join("\n"))),
      ),
    );
  });
});
