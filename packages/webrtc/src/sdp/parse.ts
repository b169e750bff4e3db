import { utf8Length } from "../bytes/index.ts";
import { isToken, parseDecimal, type SdpAttribute } from "./attribute/attribute.ts";
import { FINGERPRINT_ATTRIBUTE, SETUP } from "./attribute/dtls.ts";
import { CANDIDATE, ICE_OPTIONS, ICE_PWD, ICE_UFRAG } from "./attribute/ice.ts";
import {
  EXTMAP,
  FMTP,
  GROUP,
  MAX_MESSAGE_SIZE,
  MAXPTIME,
  MID,
  MSID,
  PTIME,
  RTCP,
  RTCP_FB,
  RTPMAP,
  SCTP_PORT,
  SSRC,
  SSRC_GROUP,
} from "./attribute/media.ts";
import { RID, SIMULCAST } from "./attribute/simulcast.ts";
import { SdpError, type SdpErrorCode, type SdpFailure } from "./errors.ts";
import {
  type SdpMedia,
  SdpMediaSection,
  type SdpOrigin,
  type SdpSection,
  SessionDescription,
} from "./section.ts";

/** What a description may measure at most. The largest that browsers make (dozens of sections) have 65 KB. */
export interface SdpLimits {
  readonly maxBytes: number;
  readonly maxLines: number;
  readonly maxMediaSections: number;
}

export const DEFAULT_SDP_LIMITS: SdpLimits = {
  maxBytes: 512 * 1024,
  maxLines: 16_384,
  maxMediaSections: 512,
};

/** Line types of each level in the order they have to come (RFC 8866 §5); those marked come any number of times. */
const SESSION_ORDER = "vosiuepcbtrzka";
const MEDIA_ORDER = "micbka";
const REPEATABLE = "epbtrca";

/** Attributes whose value is checked when a description is parsed (RFC 8829 §5.8.1, §5.8.2). */
const CHECKED: ReadonlyMap<string, SdpAttribute<unknown>> = new Map<string, SdpAttribute<unknown>>(
  [
    CANDIDATE,
    EXTMAP,
    FINGERPRINT_ATTRIBUTE,
    FMTP,
    GROUP,
    ICE_OPTIONS,
    ICE_PWD,
    ICE_UFRAG,
    MAX_MESSAGE_SIZE,
    MAXPTIME,
    MID,
    MSID,
    PTIME,
    RID,
    RTCP,
    RTCP_FB,
    RTPMAP,
    SCTP_PORT,
    SETUP,
    SIMULCAST,
    SSRC,
    SSRC_GROUP,
  ].map((attribute) => [attribute.name, attribute]),
);

/**
 * Reads a session description (RFC 8866), for people: a wrong one throws.
 *
 * @throws {SdpError} with the line that is wrong.
 */
export function parseSdp(text: string, limits: SdpLimits = DEFAULT_SDP_LIMITS): SessionDescription {
  const result = safeParseSdp(text, limits);
  if (result instanceof SessionDescription) return result;
  throw new SdpError(result);
}

/** The same, answering what is wrong. Time is linear in the text. */
export function safeParseSdp(
  text: string,
  limits: SdpLimits = DEFAULT_SDP_LIMITS,
): SessionDescription | SdpFailure {
  if (text.length > limits.maxBytes || utf8Length(text) > limits.maxBytes) {
    return failure(
      "ERR_SDP_TOO_LARGE",
      1,
      `expected at most ${limits.maxBytes} bytes, got ${text.length} characters`,
    );
  }
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  if (lines.length > limits.maxLines) {
    return failure(
      "ERR_SDP_TOO_LARGE",
      limits.maxLines + 1,
      `expected at most ${limits.maxLines} lines, got ${lines.length}`,
    );
  }
  return new Parser(lines, limits).parse();
}

function failure(code: SdpErrorCode, line: number, message: string): SdpFailure {
  return { code, line, message };
}

class Parser {
  readonly #lines: readonly string[];
  readonly #limits: SdpLimits;
  /** Line being read, from 1. */
  #line = 0;
  #description: SessionDescription | undefined;
  #section: SdpSection | undefined;
  #order = SESSION_ORDER;
  /** Where in the order the last line stood. */
  #position = -1;

  constructor(lines: readonly string[], limits: SdpLimits) {
    this.#lines = lines;
    this.#limits = limits;
  }

  parse(): SessionDescription | SdpFailure {
    for (const raw of this.#lines) {
      this.#line++;
      // RFC 8866 §5: lines end with CRLF; a lone LF is to be accepted.
      const line = raw.endsWith("\r") ? raw.slice(0, -1) : raw;
      const problem = this.#parseLine(line);
      if (problem !== undefined) return problem;
    }
    if (this.#description === undefined || !this.#hasTiming) {
      return this.#fail(
        "ERR_SDP_SYNTAX",
        "the description ends before its v=, o=, s= and t= lines are complete",
      );
    }
    return this.#description;
  }

  #hasTiming = false;

  #parseLine(line: string): SdpFailure | undefined {
    const type = line[0] ?? "";
    if (line[1] !== "=" || !/^[a-z]$/.test(type)) {
      return this.#fail("ERR_SDP_SYNTAX", `expected <type>=<value>, got ${quote(line)}`);
    }
    // RFC 8866 §5: NUL, CR and LF have no place in a value.
    if (line.includes("\0") || line.includes("\r")) {
      return this.#fail("ERR_SDP_SYNTAX", "a line holds a NUL or a carriage return");
    }
    const value = line.slice(2);
    if (type === "m") return this.#startMedia(value);
    return this.#checkOrder(type) ?? this.#takeLine(type, value);
  }

  #checkOrder(type: string): SdpFailure | undefined {
    const position = this.#order.indexOf(type);
    const isRepeated = position === this.#position && REPEATABLE.includes(type);
    // Repeat times belong to the time before them, so the two alternate.
    const isNextTime = type === "t" && this.#order[this.#position] === "r";
    const isMissing = this.#order === SESSION_ORDER && this.#position < 2 && position !== this.#position + 1;
    if (position === -1 || (position <= this.#position && !isRepeated && !isNextTime) || isMissing) {
      return this.#fail("ERR_SDP_SYNTAX", `a "${type}=" line may not stand here`);
    }
    if (type === "a" && this.#order === SESSION_ORDER && !this.#hasTiming) {
      return this.#fail("ERR_SDP_SYNTAX", 'expected a "t=" line before the attributes');
    }
    this.#position = position;
    return undefined;
  }

  #takeLine(type: string, value: string): SdpFailure | undefined {
    switch (type) {
      case "v":
        return value === "0"
          ? undefined
          : this.#fail("ERR_SDP_VALUE", `expected version 0, got ${quote(value)}`);
      case "o":
        return this.#takeOrigin(value);
      case "s":
        this.#description!.sessionName = value;
        return undefined;
      case "t":
        if (!/^\d+ \d+$/.test(value))
          return this.#fail("ERR_SDP_VALUE", `expected two times, got ${quote(value)}`);
        if (!this.#hasTiming) this.#description!.timing = [];
        this.#hasTiming = true;
        this.#description!.timing.push(value);
        return undefined;
      case "a":
        return this.#takeAttribute(value);
      default:
        return this.#takeOther(type, value);
    }
  }

  #takeOrigin(value: string): SdpFailure | undefined {
    const words = value.split(" ");
    const [
      username = "",
      sessionId = "",
      sessionVersion = "",
      networkType = "",
      addressType = "",
      address = "",
    ] = words;
    if (
      words.length !== 6 ||
      username === "" ||
      address === "" ||
      !/^\d+ \d+$/.test(`${sessionId} ${sessionVersion}`)
    ) {
      return this.#fail(
        "ERR_SDP_VALUE",
        `expected <username> <id> <version> IN <type> <address>, got ${quote(value)}`,
      );
    }
    const origin: SdpOrigin = { username, sessionId, sessionVersion, networkType, addressType, address };
    this.#description = new SessionDescription(origin);
    this.#section = this.#description;
    return undefined;
  }

  #takeAttribute(text: string): SdpFailure | undefined {
    const colon = text.indexOf(":");
    const name = colon === -1 ? text : text.slice(0, colon);
    if (!isToken(name)) return this.#fail("ERR_SDP_SYNTAX", `expected an attribute name, got ${quote(name)}`);
    const value = colon === -1 ? undefined : text.slice(colon + 1);
    const attribute = CHECKED.get(name);
    if (attribute !== undefined && attribute.parse(value) === undefined) {
      return this.#fail("ERR_SDP_VALUE", `the value of a=${name} is malformed: ${quote(value ?? "")}`);
    }
    this.#section!.attributes.push(value === undefined ? { name } : { name, value });
    return undefined;
  }

  #takeOther(type: string, value: string): SdpFailure | undefined {
    if (type === "c" && !/^\S+ \S+ \S+$/.test(value)) {
      return this.#fail("ERR_SDP_VALUE", `expected c=<nettype> <addrtype> <address>, got ${quote(value)}`);
    }
    if (type === "b" && !/^[^\s:]+:\d+$/.test(value)) {
      return this.#fail("ERR_SDP_VALUE", `expected b=<type>:<bandwidth>, got ${quote(value)}`);
    }
    this.#section!.lines.push(`${type}=${value}`);
    return undefined;
  }

  #startMedia(value: string): SdpFailure | undefined {
    if (this.#description === undefined || !this.#hasTiming) {
      return this.#fail("ERR_SDP_SYNTAX", "a media section begins before the session level is complete");
    }
    if (this.#description.mediaSections.length >= this.#limits.maxMediaSections) {
      return this.#fail(
        "ERR_SDP_TOO_LARGE",
        `expected at most ${this.#limits.maxMediaSections} media sections`,
      );
    }
    const media = parseMedia(value);
    if (media === undefined) {
      return this.#fail("ERR_SDP_VALUE", `expected m=<media> <port> <proto> <fmt> …, got ${quote(value)}`);
    }
    const section = new SdpMediaSection(media);
    this.#description.mediaSections.push(section);
    this.#section = section;
    this.#order = MEDIA_ORDER;
    this.#position = 0;
    return undefined;
  }

  #fail(code: SdpErrorCode, message: string): SdpFailure {
    return failure(code, Math.max(1, this.#line), message);
  }
}

function parseMedia(value: string): SdpMedia | undefined {
  const [kind = "", port = "", protocol = "", ...formats] = value.split(" ");
  const portNumber = parseDecimal(port.split("/")[0], 65_535);
  const isValid =
    isToken(kind) && protocol.split("/").every(isToken) && formats.length > 0 && formats.every(isToken);
  if (!isValid || portNumber === undefined) return undefined;
  // RFC 8866 §5.7: RTP profiles name payload types.
  const isRtp = /\bRTP\b/.test(protocol);
  if (isRtp && !formats.every((format) => parseDecimal(format, 127) !== undefined)) return undefined;
  return { kind, port: portNumber, protocol, formats };
}

/** A piece of foreign text for a message. */
function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
