import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../bytes/index.ts";
import { CauseCode, decodeErrorCauses, describeCause } from "../error-cause/error-cause.ts";
import { encodeInvalidStreamIdentifier } from "../error-cause/invalid-stream-identifier.ts";
import { encodeMissingMandatoryParameter } from "../error-cause/missing-mandatory-parameter.ts";
import { encodeNoUserData } from "../error-cause/no-user-data.ts";
import { encodeProtocolViolation, encodeUserInitiatedAbort } from "../error-cause/opaque.ts";
import { encodeStaleCookie } from "../error-cause/stale-cookie.ts";
import { encodeAddStreams } from "../parameter/add-streams.ts";
import { encodeForwardTsnSupported } from "../parameter/forward-tsn-supported.ts";
import { encodeStateCookie } from "../parameter/init-parameters.ts";
import { encodeOutgoingSsnReset } from "../parameter/outgoing-ssn-reset.ts";
import { encodeParameter } from "../parameter/parameter.ts";
import { encodeReconfigResponse } from "../parameter/reconfig-response.ts";
import { encodeSupportedExtensions } from "../parameter/supported-extensions.ts";
import { encodeZeroChecksumAcceptable } from "../parameter/zero-checksum-acceptable.ts";
import { decodeAbort, encodeAbort } from "./abort.ts";
import { ChunkCursor, ChunkType } from "./chunk.ts";
import { createDataFields, readData, writeDataHeader } from "./data.ts";
import { decodeError, encodeError } from "./error.ts";
import { decodeForwardTsn, encodeForwardTsn } from "./forward-tsn.ts";
import { decodeHeartbeat, encodeHeartbeat, encodeHeartbeatAck } from "./heartbeat.ts";
import { readIData, writeIDataHeader } from "./i-data.ts";
import { decodeIForwardTsn, encodeIForwardTsn } from "./i-forward-tsn.ts";
import { decodeInit, encodeInit } from "./init.ts";
import { decodeReConfig, encodeReConfig } from "./re-config.ts";
import { SackView } from "./sack.ts";
import { decodeShutdown, encodeShutdown } from "./shutdown.ts";

const INIT = {
  initiateTag: 0x1234_5678,
  aRwnd: 100_000,
  outboundStreams: 10,
  inboundStreams: 20,
  initialTsn: 0xffff_ffff,
};

/** The value of a chunk, without padding. */
function chunkValue(chunk: Uint8Array): Uint8Array {
  const cursor = new ChunkCursor();
  cursor.open(chunk, 0);
  expect(cursor.next()).toBe("chunk");
  return chunk.subarray(cursor.start, cursor.end);
}

describe("INIT", () => {
  const chunk = encodeInit(ChunkType.init, {
    ...INIT,
    parameters: [
      encodeForwardTsnSupported(),
      encodeSupportedExtensions([0x82, 0xc0, 0x40]),
      encodeZeroChecksumAcceptable(1),
      encodeStateCookie(Uint8Array.of(1, 2, 3)),
      encodeParameter(0xc123, Uint8Array.of(9)),
    ],
  });

  test("has the bytes of RFC 9260 §3.3.2", () => {
    expect(toHex(chunk.subarray(0, 24))).toBe(
      "01000038" + "12345678" + "000186a0" + "000a0014" + "ffffffff" + "c0000004",
    );
  });

  test("is read as it was written; what is unknown and to be reported is kept", () => {
    const decoded = decodeInit(chunkValue(chunk));
    expect(decoded).toMatchObject(INIT);
    expect(decoded?.parameters).toEqual({
      stateCookie: Uint8Array.of(1, 2, 3),
      supportedExtensions: [0x82, 0xc0, 0x40],
      isForwardTsnSupported: true,
      zeroChecksumMethod: 1,
      unrecognized: [fromHex("c123000509")],
    });
  });

  test("every truncation is refused, but between two parameters", () => {
    const value = chunkValue(chunk);
    const whole = new Set([16, 20, 27, 28, 36, 43, 44, 49, 50, 51]);
    for (let length = 0; length < value.length; length++) {
      expect([length, decodeInit(value.subarray(0, length)) !== undefined]).toEqual([
        length,
        whole.has(length),
      ]);
    }
  });

  test.each([
    ["0123", false, 0],
    ["4123", false, 1],
    ["8123", true, 0],
    ["c123", true, 1],
  ])("an unknown parameter 0x%s goes on: %s, is reported: %d", (type, goesOn, reported) => {
    const value = new Uint8Array([
      ...chunkValue(encodeInit(ChunkType.init, { ...INIT, parameters: [] })),
      ...fromHex(`${type}0004`),
      ...encodeForwardTsnSupported(),
    ]);
    const parameters = decodeInit(value)?.parameters;
    expect(parameters?.isForwardTsnSupported).toBe(goesOn);
    expect(parameters?.unrecognized).toHaveLength(reported);
  });
});

describe("DATA and I-DATA", () => {
  test("DATA is read as it was written", () => {
    const bytes = new Uint8Array(20);
    writeDataHeader(bytes, 0, 7, 3, 0x0102_0304, 5, 6, 53);
    expect(toHex(bytes.subarray(0, 16))).toBe("00070013" + "01020304" + "00050006" + "00000035");
    const fields = createDataFields();
    expect(readData(bytes, 7, 4, 19, fields)).toBe(true);
    expect(fields).toEqual({
      flags: 7,
      tsn: 0x0102_0304,
      streamId: 5,
      messageId: 6,
      fsn: 0,
      ppid: 53,
      start: 16,
      end: 19,
    });
    for (let end = 4; end < 16; end++) expect(readData(bytes, 7, 4, end, fields)).toBe(false);
  });

  test("I-DATA carries the PPID in the first fragment and the number in the others", () => {
    const bytes = new Uint8Array(24);
    const fields = createDataFields();
    writeIDataHeader(bytes, 0, 2, 4, 1, 5, 0xffff_fffe, 53);
    expect(readIData(bytes, 2, 4, 24, fields)).toBe(true);
    expect(fields).toMatchObject({ messageId: 0xffff_fffe, ppid: 53, fsn: 0, start: 20 });
    writeIDataHeader(bytes, 0, 1, 4, 2, 5, 0xffff_fffe, 9);
    readIData(bytes, 1, 4, 24, fields);
    expect(fields).toMatchObject({ ppid: 0, fsn: 9 });
    for (let end = 4; end < 20; end++) expect(readIData(bytes, 2, 4, end, fields)).toBe(false);
  });
});

test("a SACK shorter than its counts is refused, at every length", () => {
  const value = fromHex("00000001" + "00010000" + "0002" + "0001" + "00020003" + "00050005" + "00000009");
  const view = new SackView();
  expect(view.read(value, 0, value.length)).toBe(true);
  expect([view.cumulativeTsnAck, view.aRwnd, view.gapStart(1), view.gapEnd(0), view.duplicate(0)]).toEqual([
    1, 0x1_0000, 5, 3, 9,
  ]);
  for (let end = 0; end < value.length; end++) expect(view.read(value, 0, end)).toBe(false);
});

test.each([
  ["FORWARD TSN", encodeForwardTsn, decodeForwardTsn, { streamId: 3, isUnordered: false, messageId: 0xffff }],
  [
    "I-FORWARD-TSN",
    encodeIForwardTsn,
    decodeIForwardTsn,
    { streamId: 3, isUnordered: true, messageId: 0xffff_ffff },
  ],
])("%s is read as it was written, and refused in the middle of an entry", (_, encode, decode, entry) => {
  const chunk = { newCumulativeTsn: 7, skipped: [entry, { ...entry, streamId: 4, isUnordered: false }] };
  const value = chunkValue(encode(chunk));
  expect(decode(value)).toEqual(chunk);
  const entryBytes = (value.length - 4) / 2;
  for (let length = 0; length < value.length; length++) {
    const isWhole = length >= 4 && (length - 4) % entryBytes === 0;
    expect([length, decode(value.subarray(0, length)) !== undefined]).toEqual([length, isWhole]);
  }
});

test("a HEARTBEAT comes back as it was", () => {
  const heartbeat = encodeHeartbeat(Uint8Array.of(1, 2, 3));
  expect(toHex(heartbeat)).toBe("0400000c" + "00010007" + "01020300");
  const ack = encodeHeartbeatAck(chunkValue(heartbeat));
  expect(ack[0]).toBe(ChunkType.heartbeatAck);
  expect(decodeHeartbeat(chunkValue(ack))).toEqual(Uint8Array.of(1, 2, 3));
  for (let length = 0; length < 7; length++)
    expect(decodeHeartbeat(chunkValue(heartbeat).subarray(0, length))).toBeUndefined();
});

test("RE-CONFIG carries one or two parameters, each of which is whole", () => {
  const reset = {
    requestSequenceNumber: 1,
    responseSequenceNumber: 2,
    senderLastAssignedTsn: 3,
    streamIds: [4, 5],
  };
  const add = { direction: "incoming", requestSequenceNumber: 6, newStreams: 7 } as const;
  const parameters = [encodeOutgoingSsnReset(reset), encodeReconfigResponse(8, 6), encodeAddStreams(add)];
  expect(decodeReConfig(chunkValue(encodeReConfig(parameters.slice(0, 2))))).toEqual([
    { type: "outgoingSsnReset", ...reset },
    { type: "response", responseSequenceNumber: 8, result: 6 },
  ]);
  expect(decodeReConfig(chunkValue(encodeReConfig([parameters[2]!])))).toEqual([
    { type: "addStreams", ...add },
  ]);
  expect(decodeReConfig(chunkValue(encodeReConfig(parameters)))).toBeUndefined();
  for (const parameter of parameters) {
    const value = chunkValue(encodeReConfig([parameter]));
    for (let length = 0; length < value.length; length++) {
      expect(decodeReConfig(value.subarray(0, length))).toBeUndefined();
    }
  }
});

test("causes are read as they were written, and told in words", () => {
  const causes = [
    encodeInvalidStreamIdentifier(9),
    encodeMissingMandatoryParameter([7]),
    encodeStaleCookie(1.5),
    encodeNoUserData(1),
    encodeUserInitiatedAbort("bye\u0007"),
    encodeProtocolViolation("why"),
  ];
  const { causes: decoded, isTagReflected } = decodeAbort(chunkValue(encodeAbort(causes, true)), 1);
  expect(isTagReflected).toBe(true);
  expect(decoded.map(({ code }) => code)).toEqual([1, 2, 3, 9, 12, 13]);
  expect(decoded.map(describeCause)).toEqual([
    "Invalid Stream Identifier",
    "Missing Mandatory Parameter",
    "Stale Cookie",
    "No User Data",
    "User-Initiated Abort: bye�",
    "Protocol Violation: why",
  ]);
  expect(toHex(decoded[2]!.information)).toBe("000005dc");
  expect(describeCause({ code: 77, information: new Uint8Array(0) })).toBe("cause 77");
  expect(decodeError(chunkValue(encodeError([causes[0]!])))?.[0]?.code).toBe(
    CauseCode.invalidStreamIdentifier,
  );
  expect(decodeError(new Uint8Array(0))).toBeUndefined();
  expect(decodeErrorCauses(fromHex("00010003"))).toBeUndefined();
});

test("SHUTDOWN has four bytes", () => {
  expect(decodeShutdown(chunkValue(encodeShutdown(0xffff_fff0)))).toBe(0xffff_fff0);
  for (const length of [0, 1, 2, 3, 5]) expect(decodeShutdown(new Uint8Array(length))).toBeUndefined();
});

test("the cursor never leaves the packet, and always moves", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const cursor = new ChunkCursor();
      cursor.open(bytes, 0);
      let last = -1;
      while (cursor.next() === "chunk") {
        expect(cursor.offset).toBeGreaterThan(last);
        expect(cursor.end).toBeLessThanOrEqual(bytes.length);
        last = cursor.offset;
      }
    }),
  );
});

test("no decoder throws, whatever it is given", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
      for (const decode of [
        decodeInit,
        decodeReConfig,
        decodeForwardTsn,
        decodeIForwardTsn,
        decodeHeartbeat,
        decodeError,
      ]) {
        decode(bytes);
      }
      decodeAbort(bytes, 0);
      new SackView().read(bytes, 0, bytes.length);
    }),
  );
});
