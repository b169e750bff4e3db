import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as sdp from "./index.ts";

const FIXTURES = new URL("../../test/fixtures/sdp/", import.meta.url);
const files = readdirSync(FIXTURES).filter((name) => name.endsWith(".sdp"));
const EXPORTED: readonly unknown[] = Object.values(sdp);
const ATTRIBUTES = EXPORTED.filter(isAttribute);
const MINIMAL = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n";

function read(name: string): string {
  return readFileSync(new URL(name, FIXTURES), "utf8");
}

function parseWith(lines: string): sdp.SessionDescription | sdp.SdpFailure {
  return sdp.safeParseSdp(MINIMAL + lines);
}

function failureOf(lines: string): sdp.SdpFailure {
  const result = parseWith(lines);
  if (result instanceof sdp.SessionDescription) throw new Error("expected the description to be refused");
  return result;
}

describe("descriptions of real browsers", () => {
  test("there are some", () => expect(files.length).toBeGreaterThan(20));

  test.each(files)("%s is the same text after parsing and serializing", (name) => {
    expect(sdp.serializeSdp(sdp.parseSdp(read(name)))).toBe(read(name));
  });

  test.each(files)(
    "%s: every attribute that has a type is the same line after parsing and serializing it",
    (name) => {
      const known = ATTRIBUTES;
      const description = sdp.parseSdp(read(name));
      let seen = 0;
      for (const section of [description, ...description.mediaSections]) {
        for (const line of section.attributes) {
          const attribute = known.find((candidate) => candidate.name === line.name);
          if (attribute === undefined) continue;
          seen++;
          const value = attribute.parse(line.value);
          expect(value, `a=${line.name}:${line.value}`).toBeDefined();
          expect(attribute.serialize(value)?.trimEnd()).toBe(line.value?.trimEnd());
        }
      }
      expect(seen).toBeGreaterThan(5);
    },
  );

  test("an offer of Chromium with audio, video and data", () => {
    const description = sdp.parseSdp(read("chromium-offer-av-dc.sdp"));
    const [audio, video, data] = description.mediaSections;
    expect(description.get(sdp.GROUP)).toEqual({ semantics: "BUNDLE", mids: ["0", "1", "2"] });
    expect(description.inherited(audio!, sdp.SETUP)).toBe("actpass");
    expect(description.inherited(audio!, sdp.FINGERPRINT_ATTRIBUTE)?.bytes.length).toBe(32);
    expect(audio!.getAll(sdp.RTPMAP)[0]).toEqual({
      payloadType: 111,
      encoding: "opus",
      clockRateHz: 48000,
      channels: 2,
    });
    expect(video!.has(sdp.RTCP_MUX)).toBe(true);
    expect(data!.media).toMatchObject({ protocol: "UDP/DTLS/SCTP", formats: ["webrtc-datachannel"] });
    expect(data!.get(sdp.SCTP_PORT)).toBe(5000);
    expect(data!.get(sdp.MAX_MESSAGE_SIZE)).toBe(262144);
  });

  test("Firefox gives the fingerprint at session level and candidates of two components", () => {
    const description = sdp.parseSdp(read("firefox-call-offer.sdp"));
    expect(description.has(sdp.FINGERPRINT_ATTRIBUTE)).toBe(true);
    expect(description.mediaSections.flatMap((section) => section.getAll(sdp.EXTMAP)).length).toBeGreaterThan(
      0,
    );
  });

  test("a simulcast offer names its encodings", () => {
    const section = sdp
      .parseSdp(read("chromium-offer-simulcast.sdp"))
      .mediaSections.find((s) => s.has(sdp.SIMULCAST));
    const rids = section?.getAll(sdp.RID).map(({ id }) => id);
    expect(
      section
        ?.get(sdp.SIMULCAST)
        ?.send?.flat()
        .map(({ rid }) => rid),
    ).toEqual(rids);
  });
});

describe("attributes", () => {
  test("a candidate keeps its related address, its TCP type and what else it carries", () => {
    const line =
      "842163049 1 tcp 1518280447 192.0.2.7 9 typ srflx raddr 10.0.0.5 rport 9 tcptype active generation 0 ufrag xUOb network-id 1";
    const candidate = sdp.CANDIDATE.parse(line);
    expect(candidate).toMatchObject({
      component: 1,
      relatedAddress: "10.0.0.5",
      relatedPort: 9,
      tcpType: "active",
      extensions: [
        ["generation", "0"],
        ["ufrag", "xUOb"],
        ["network-id", "1"],
      ],
    });
    expect(sdp.CANDIDATE.serialize(candidate!)).toBe(line);
  });

  test.each([
    "1 1 udp 1 192.0.2.1 9 typ",
    "1 0 udp 1 192.0.2.1 9 typ host",
    "1 257 udp 1 192.0.2.1 9 typ host",
    "1 1 udp 4294967296 192.0.2.1 9 typ host",
    "1 1 udp 1 192.0.2.1 65536 typ host",
    "1 1 udp 1 192.0.2.1 9 host typ",
    "1 1 udp 1 192.0.2.1 9 typ host generation",
    "1 1 udp 1 192.0.2.1 9 typ host rport many",
    "",
  ])("%j is no candidate", (line) => expect(sdp.CANDIDATE.parse(line)).toBeUndefined());

  test("a fingerprint is read in either case and written in capitals", () => {
    const value = sdp.FINGERPRINT_ATTRIBUTE.parse("SHA-256 ab:0C:ff");
    expect(value).toEqual({ algorithm: "sha-256", bytes: Uint8Array.of(0xab, 0x0c, 0xff) });
    expect(sdp.FINGERPRINT_ATTRIBUTE.serialize(value!)).toBe("sha-256 AB:0C:FF");
  });

  test.each([
    "sha-256",
    "sha-256 ",
    "sha-256 ABC",
    "sha-256 AB:",
    "sha-256 AB CD",
    `sha-256 ${"AB:".repeat(64)}AB`,
  ])("%j is no fingerprint", (line) => expect(sdp.FINGERPRINT_ATTRIBUTE.parse(line)).toBeUndefined());

  test("simulcast has alternatives, pauses and two directions in either order", () => {
    const line = "recv 1;~2,3 send hi,lo;~mid";
    const value = sdp.SIMULCAST.parse(line);
    expect(value?.recv).toEqual([
      [{ rid: "1", paused: false }],
      [
        { rid: "2", paused: true },
        { rid: "3", paused: false },
      ],
    ]);
    expect(sdp.SIMULCAST.parse(sdp.SIMULCAST.serialize(value!))).toEqual(value);
    expect(sdp.SIMULCAST.parse("send 1 send 2")).toBeUndefined();
    expect(sdp.SIMULCAST.parse("send")).toBeUndefined();
  });

  test("a rid restricts payload types and more", () => {
    const value = sdp.RID.parse("hi send pt=96,97;max-width=1280;max-fps=30");
    expect(value).toEqual({
      id: "hi",
      direction: "send",
      payloadTypes: [96, 97],
      restrictions: [
        ["max-width", "1280"],
        ["max-fps", "30"],
      ],
    });
    expect(sdp.RID.serialize(value!)).toBe("hi send pt=96,97;max-width=1280;max-fps=30");
    expect(sdp.RID.parse("hi both")).toBeUndefined();
    expect(sdp.RID.parse("hi send pt=96,x")).toBeUndefined();
  });

  test("names of prototypes are names like others", () => {
    const section = sdp.parseSdp(`${MINIMAL}m=audio 9 RTP/AVP 0\r\na=mid:__proto__\r\na=constructor:1\r\n`)
      .mediaSections[0]!;
    expect(section.get(sdp.MID)).toBe("__proto__");
    expect(section.has({ name: "constructor" })).toBe(true);
    expect(section.has({ name: "toString" })).toBe(false);
  });

  test("changing attributes leaves the others where they are", () => {
    const description = sdp.parseSdp(
      `${MINIMAL}m=audio 9 RTP/AVP 0\r\na=x-first\r\na=sendrecv\r\na=x-last:1\r\n`,
    );
    const section = description.mediaSections[0]!;
    section.remove({ name: "sendrecv" });
    section.add(sdp.MID, "a1").add(sdp.RTCP_MUX, true);
    expect(section.attributes.map(({ name }) => name)).toEqual(["x-first", "x-last", "mid", "rtcp-mux"]);
  });
});

describe("a description that is wrong is refused with its line", () => {
  test.each([
    ["", 1, "ERR_SDP_SYNTAX"],
    ["v=1\r\n", 1, "ERR_SDP_VALUE"],
    ["s=-\r\n", 1, "ERR_SDP_SYNTAX"],
    ["v=0\r\ns=-\r\n", 2, "ERR_SDP_SYNTAX"],
    ["v=0\r\no=- 1 1 IN IP4\r\n", 2, "ERR_SDP_VALUE"],
    ["v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\n", 3, "ERR_SDP_SYNTAX"],
    ["v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\na=x\r\n", 4, "ERR_SDP_SYNTAX"],
    [`${MINIMAL}v=0\r\n`, 5, "ERR_SDP_SYNTAX"],
    [`${MINIMAL}hello\r\n`, 5, "ERR_SDP_SYNTAX"],
    [`${MINIMAL}\r\na=x\r\n`, 5, "ERR_SDP_SYNTAX"],
    [`${MINIMAL}m=audio\r\n`, 5, "ERR_SDP_VALUE"],
    [`${MINIMAL}m=audio 65536 RTP/AVP 0\r\n`, 5, "ERR_SDP_VALUE"],
    [`${MINIMAL}m=audio 9 RTP/AVP 128\r\n`, 5, "ERR_SDP_VALUE"],
    [`${MINIMAL}m=audio 9 RTP/AVP 0\r\ns=again\r\n`, 6, "ERR_SDP_SYNTAX"],
    [`${MINIMAL}m=audio 9 RTP/AVP 0\r\na=mid:0\r\nc=IN IP4 0.0.0.0\r\n`, 7, "ERR_SDP_SYNTAX"],
    [`${MINIMAL}m=audio 9 RTP/AVP 0\r\na=candidate:1 1 udp\r\n`, 6, "ERR_SDP_VALUE"],
    [`${MINIMAL}m=audio 9 RTP/AVP 0\r\na=rtpmap:96\r\n`, 6, "ERR_SDP_VALUE"],
    [`${MINIMAL}a=ice-ufrag:abc\r\n`, 5, "ERR_SDP_VALUE"],
    [`${MINIMAL}a=ice-pwd:short\r\n`, 5, "ERR_SDP_VALUE"],
    [`${MINIMAL}a=\0\r\n`, 5, "ERR_SDP_SYNTAX"],
  ])("%j at line %i: %s", (text, line, code) => {
    expect(sdp.safeParseSdp(text)).toMatchObject({ line, code });
    expect(() => sdp.parseSdp(text)).toThrowError(sdp.SdpError);
  });

  test("the message says what came", () => {
    expect(failureOf("a=ice-pwd:short\r\n").message).toContain('a=ice-pwd is malformed: "short"');
  });

  test("lines may end with LF alone, and the last with nothing", () => {
    const text = MINIMAL.replaceAll("\r\n", "\n").trimEnd();
    expect(sdp.serializeSdp(sdp.parseSdp(text))).toBe(MINIMAL);
  });

  test("unknown attributes and repeated times are kept", () => {
    const text =
      `${MINIMAL}a=x-unknown:one two\r\nm=video 0 RTP/AVP 31\r\nb=TIAS:100\r\nb=AS:1\r\na=y\r\n`.replace(
        "t=0 0",
        "t=0 0\r\nt=1 2",
      );
    expect(sdp.serializeSdp(sdp.parseSdp(text))).toBe(text);
  });
});

describe("hostile descriptions", () => {
  test("a megabyte is refused before it is read", () => {
    const text = MINIMAL + "a=x\r\n".repeat(220_000);
    const startedAt = performance.now();
    expect(sdp.safeParseSdp(text)).toMatchObject({ code: "ERR_SDP_TOO_LARGE" });
    expect(performance.now() - startedAt).toBeLessThan(20);
  });

  test("ten thousand media sections are refused", () => {
    expect(failureOf("m=audio 9 RTP/AVP 0\r\n".repeat(10_000)).code).toBe("ERR_SDP_TOO_LARGE");
  });

  test("no line takes more than linear time", () => {
    const starts = [
      "a=fmtp:96 ",
      "a=candidate:1 1 udp 1 192.0.2.1 9 typ host ",
      "a=rid:a send ",
      "a=simulcast:send ",
    ];
    for (const start of starts) {
      for (const filler of ["a", " ", ";", ",", "=", "~", "a b "]) {
        const line = `m=audio 9 RTP/AVP 0\r\n${start}${filler.repeat(400_000 / filler.length)}\r\n`;
        const before = process.cpuUsage();
        parseWith(line);
        const { user } = process.cpuUsage(before);
        // Some milliseconds in fact; quadratic would be minutes.
        expect(user / 1000, `${start}${filler}…`).toBeLessThan(500);
      }
    }
  });

  test("any text is either a description or a failure, and what is parsed survives the round trip", () => {
    const line = fc.oneof(
      fc.constantFrom(
        ...read("chromium-offer-simulcast.sdp").split("\r\n"),
        ...read("firefox-call-offer.sdp").split("\r\n"),
      ),
      fc.string(),
      fc.tuple(fc.constantFrom(..."vosiuepcbtrzkam"), fc.string()).map(([type, value]) => `${type}=${value}`),
    );
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        const result = parseWith(lines.join("\r\n"));
        if (!(result instanceof sdp.SessionDescription)) {
          expect(result.line).toBeGreaterThan(0);
          return;
        }
        const text = sdp.serializeSdp(result);
        expect(sdp.serializeSdp(sdp.parseSdp(text))).toBe(text);
      }),
      { numRuns: 500 },
    );
  });
});

function isAttribute(value: unknown): value is sdp.SdpAttribute<unknown> {
  return typeof value === "object" && value !== null && "name" in value && "serialize" in value;
}
