import { flag, integer, isToken, parseDecimal, type SdpAttribute, text, token } from "./attribute.ts";

/** Names a media section (RFC 5888 §4). */
export const MID: SdpAttribute<string> = token("mid");

/** (RFC 5888 §5) */
export interface SdpGroup {
  /** `BUNDLE`, `LS`, … */
  readonly semantics: string;
  readonly mids: readonly string[];
}

export const GROUP: SdpAttribute<SdpGroup> = {
  name: "group",
  parse(value) {
    const [semantics = "", ...mids] = value?.split(" ").filter((word) => word !== "") ?? [];
    return isToken(semantics) && mids.every(isToken) ? { semantics, mids } : undefined;
  },
  serialize: (value) => [value.semantics, ...value.mids].join(" "),
};

/** In an offer: only usable inside its bundle (RFC 9143 §6). */
export const BUNDLE_ONLY: SdpAttribute<true> = flag("bundle-only");

export type SdpDirection = "sendrecv" | "sendonly" | "recvonly" | "inactive";

/** (RFC 8866 §6.7) Four property attributes; `section.direction` reads whichever is there. */
export const DIRECTIONS: readonly SdpDirection[] = ["sendrecv", "sendonly", "recvonly", "inactive"];

/** Encoding of a payload type (RFC 8866 §6.6). */
export interface SdpRtpmap {
  readonly payloadType: number;
  /** `opus`, `VP8`: compared without regard to case. */
  readonly encoding: string;
  readonly clockRateHz: number;
  /** Audio only; 1 when left out. */
  readonly channels?: number;
}

export const RTPMAP: SdpAttribute<SdpRtpmap> = {
  name: "rtpmap",
  parse(value) {
    const match = /^(\d{1,3}) +([^\s/]+)\/(\d{1,9})(?:\/(\d{1,3}))?$/.exec(value ?? "");
    const payloadType = parseDecimal(match?.[1], 127);
    if (match === null || payloadType === undefined) return undefined;
    const base = { payloadType, encoding: match[2]!, clockRateHz: Number(match[3]) };
    return match[4] === undefined ? base : { ...base, channels: Number(match[4]) };
  },
  serialize({ payloadType, encoding, clockRateHz, channels }) {
    return `${payloadType} ${encoding}/${clockRateHz}${channels === undefined ? "" : `/${channels}`}`;
  },
};

/** Parameters of a payload type (RFC 8866 §6.15). What they mean is the payload format's business. */
export interface SdpFmtp {
  readonly payloadType: number;
  readonly parameters: string;
}

export const FMTP: SdpAttribute<SdpFmtp> = {
  name: "fmtp",
  parse(value) {
    const match = /^(\d{1,3}) +(\S.*)$/.exec(value ?? "");
    const payloadType = parseDecimal(match?.[1], 127);
    return match === null || payloadType === undefined ? undefined : { payloadType, parameters: match[2]! };
  },
  serialize: (value) => `${value.payloadType} ${value.parameters}`,
};

/** What feedback a payload type may be given (RFC 4585 §4.2). */
export interface SdpRtcpFeedback {
  /** A payload type, or all of the section. */
  readonly payloadType: number | "*";
  /** `nack`, `ccm`, `transport-cc`, … */
  readonly type: string;
  /** `pli`, `fir`, …; undefined when there is none. */
  readonly parameter?: string;
}

export const RTCP_FB: SdpAttribute<SdpRtcpFeedback> = {
  name: "rtcp-fb",
  parse(value) {
    const match = /^(\*|\d{1,3}) +(\S+)(?: +(\S.*))?$/.exec(value ?? "");
    const payloadType = match?.[1] === "*" ? ("*" as const) : parseDecimal(match?.[1], 127);
    if (match === null || payloadType === undefined) return undefined;
    const base = { payloadType, type: match[2]! };
    return match[3] === undefined ? base : { ...base, parameter: match[3] };
  },
  serialize({ payloadType, type, parameter }) {
    return `${payloadType} ${type}${parameter === undefined ? "" : ` ${parameter}`}`;
  },
};

/** A header extension and its number (RFC 8285 §8). */
export interface SdpExtmap {
  /** 1 to 14 with one-byte headers, to 255 with two-byte ones; 4096 to 4351 stand for more than fit. */
  readonly id: number;
  readonly direction?: SdpDirection;
  readonly uri: string;
  readonly attributes?: string;
}

export const EXTMAP: SdpAttribute<SdpExtmap> = {
  name: "extmap",
  parse(value) {
    const match = /^(\d{1,4})(?:\/([a-z]+))? +(\S+)(?: +(\S.*))?$/.exec(value ?? "");
    const id = parseDecimal(match?.[1], 4351);
    if (match === null || id === undefined || id === 0) return undefined;
    const direction = DIRECTIONS.find((known) => known === match[2]);
    if (match[2] !== undefined && direction === undefined) return undefined;
    return {
      id,
      ...(direction === undefined ? {} : { direction }),
      uri: match[3]!,
      ...(match[4] === undefined ? {} : { attributes: match[4] }),
    };
  },
  serialize({ id, direction, uri, attributes }) {
    const number = direction === undefined ? String(id) : `${id}/${direction}`;
    return `${number} ${uri}${attributes === undefined ? "" : ` ${attributes}`}`;
  },
};

/** One- and two-byte header extensions may be mixed (RFC 8285 §6). */
export const EXTMAP_ALLOW_MIXED: SdpAttribute<true> = flag("extmap-allow-mixed");

/** Which stream and track a section carries (RFC 8830 §2). */
export interface SdpMsid {
  /** `-` for no stream. */
  readonly id: string;
  readonly appdata?: string;
}

export const MSID: SdpAttribute<SdpMsid> = {
  name: "msid",
  parse(value) {
    const [id = "", appdata, ...rest] = value?.split(" ") ?? [];
    const isValid = isToken(id) && id.length <= 64 && rest.length === 0;
    if (!isValid) return undefined;
    return appdata === undefined || appdata === "" ? { id } : { id, appdata };
  },
  serialize: (value) => (value.appdata === undefined ? value.id : `${value.id} ${value.appdata}`),
};

/** An attribute of one source (RFC 5576 §4.1). */
export interface SdpSsrc {
  readonly ssrc: number;
  /** `cname`, `msid`, … */
  readonly attribute: string;
  readonly value?: string;
}

export const SSRC: SdpAttribute<SdpSsrc> = {
  name: "ssrc",
  parse(value) {
    const match = /^(\d{1,10}) +([^\s:]+)(?::(.*))?$/.exec(value ?? "");
    const ssrc = parseDecimal(match?.[1], 0xffff_ffff);
    if (match === null || ssrc === undefined) return undefined;
    const base = { ssrc, attribute: match[2]! };
    return match[3] === undefined ? base : { ...base, value: match[3] };
  },
  serialize: ({ ssrc, attribute, value }) => `${ssrc} ${attribute}${value === undefined ? "" : `:${value}`}`,
};

/** Sources that belong together (RFC 5576 §4.2): `FID` a stream and its retransmissions. */
export interface SdpSsrcGroup {
  readonly semantics: string;
  readonly ssrcs: readonly number[];
}

export const SSRC_GROUP: SdpAttribute<SdpSsrcGroup> = {
  name: "ssrc-group",
  parse(value) {
    const [semantics = "", ...words] = value?.split(" ").filter((word) => word !== "") ?? [];
    const ssrcs = words.flatMap((word) => parseDecimal(word, 0xffff_ffff) ?? []);
    return isToken(semantics) && ssrcs.length === words.length ? { semantics, ssrcs } : undefined;
  },
  serialize: (value) => [value.semantics, ...value.ssrcs].join(" "),
};

/** (RFC 5761 §5.1.3) */
export const RTCP_MUX: SdpAttribute<true> = flag("rtcp-mux");
/** (RFC 8858 §3) */
export const RTCP_MUX_ONLY: SdpAttribute<true> = flag("rtcp-mux-only");
/** (RFC 5506 §5) */
export const RTCP_RSIZE: SdpAttribute<true> = flag("rtcp-rsize");
/** Where RTCP would go without ICE (RFC 3605 §2.1): checked for syntax, not used. */
export const RTCP: SdpAttribute<string> = text("rtcp", /^\d{1,5}( IN IP[46] \S+)?$/);
/** (RFC 8866 §6.4) */
export const PTIME: SdpAttribute<number> = integer("ptime", 65_535);
/** (RFC 8866 §6.5) */
export const MAXPTIME: SdpAttribute<number> = integer("maxptime", 65_535);
/** SCTP port behind DTLS (RFC 8841 §5). */
export const SCTP_PORT: SdpAttribute<number> = integer("sctp-port", 65_535);
/** Largest message taken, in bytes; 0 is without limit (RFC 8841 §6). */
export const MAX_MESSAGE_SIZE: SdpAttribute<number> = integer("max-message-size", Number.MAX_SAFE_INTEGER);
