import { flag, isToken, parseDecimal, type SdpAttribute, text } from "./attribute.ts";

/** Characters of ICE user fragments and passwords (RFC 8839 §5.4). */
const UFRAG = /^[A-Za-z0-9+/]{4,256}$/;
const PASSWORD = /^[A-Za-z0-9+/]{22,256}$/;
const FOUNDATION = /^[A-Za-z0-9+/]{1,32}$/;

/** (RFC 8839 §5.4) */
export const ICE_UFRAG: SdpAttribute<string> = text("ice-ufrag", UFRAG);
/** (RFC 8839 §5.4) */
export const ICE_PWD: SdpAttribute<string> = text("ice-pwd", PASSWORD);
/** (RFC 8839 §5.3) */
export const ICE_LITE: SdpAttribute<true> = flag("ice-lite");
/** (RFC 8839 §5.6) `trickle`, `ice2`, `renomination`, … */
export const ICE_OPTIONS: SdpAttribute<readonly string[]> = {
  name: "ice-options",
  parse: (value) => value?.split(" ").filter((option) => option !== ""),
  serialize: (value) => value.join(" "),
};
/** No more candidates of this generation (RFC 8840 §8.1). */
export const END_OF_CANDIDATES: SdpAttribute<true> = flag("end-of-candidates");

export type SdpCandidateType = "host" | "srflx" | "prflx" | "relay";
export type SdpTcpType = "active" | "passive" | "so";

/** One candidate (RFC 8839 §5.1, RFC 6544 §4.5). */
export interface SdpCandidate {
  readonly foundation: string;
  /** 1 to 256; 1 is RTP, 2 RTCP. */
  readonly component: number;
  /** As written: `udp` and `tcp` are compared without regard to case. */
  readonly transport: string;
  /** 0 to 2³²−1. */
  readonly priority: number;
  /** An IP address or, with mDNS, a name. */
  readonly address: string;
  readonly port: number;
  /** One of {@link SdpCandidateType}, or something newer. */
  readonly type: string;
  readonly relatedAddress?: string;
  readonly relatedPort?: number;
  readonly tcpType?: string;
  /** The rest (`generation`, `ufrag`, `network-id`, …), in order. */
  readonly extensions: readonly (readonly [name: string, value: string])[];
}

/** Words in a candidate that are its fixed part. */
const FIXED_WORDS = 8;
const MAX_EXTENSIONS = 32;

/** A candidate without the `candidate:` in front. */
export const CANDIDATE: SdpAttribute<SdpCandidate> = {
  name: "candidate",
  parse(value) {
    const words = value?.split(" ").filter((word) => word !== "") ?? [];
    const [foundation = "", component, transport = "", priority, address = "", port, typ, type = ""] = words;
    const componentId = parseDecimal(component, 256);
    const priorityValue = parseDecimal(priority, 0xffff_ffff);
    const portValue = parseDecimal(port, 65_535);
    if (
      words.length < FIXED_WORDS ||
      words.length % 2 !== 0 ||
      typ !== "typ" ||
      !FOUNDATION.test(foundation)
    ) {
      return undefined;
    }
    if (
      componentId === undefined ||
      componentId === 0 ||
      priorityValue === undefined ||
      portValue === undefined
    ) {
      return undefined;
    }
    const rest = parseExtensions(words.slice(FIXED_WORDS));
    if (!isToken(transport) || !isToken(type) || address.length > 255 || rest === undefined) return undefined;
    return {
      foundation,
      component: componentId,
      transport,
      priority: priorityValue,
      address,
      port: portValue,
      type,
      ...rest,
    };
  },
  serialize(value) {
    const { foundation, component, transport, priority, address, port, type } = value;
    const words = [foundation, component, transport, priority, address, port, "typ", type];
    if (value.relatedAddress !== undefined) words.push("raddr", value.relatedAddress);
    if (value.relatedPort !== undefined) words.push("rport", value.relatedPort);
    if (value.tcpType !== undefined) words.push("tcptype", value.tcpType);
    for (const [name, extension] of value.extensions) words.push(name, extension);
    return words.join(" ");
  },
};

type CandidateRest = Pick<SdpCandidate, "relatedAddress" | "relatedPort" | "tcpType" | "extensions">;

function parseExtensions(words: readonly string[]): CandidateRest | undefined {
  const extensions: (readonly [string, string])[] = [];
  let known: Omit<CandidateRest, "extensions"> = {};
  for (let i = 0; i < words.length; i += 2) {
    const name = words[i]!;
    const value = words[i + 1]!;
    const relatedPort = name === "rport" ? parseDecimal(value, 65_535) : 0;
    if (relatedPort === undefined || extensions.length === MAX_EXTENSIONS) return undefined;
    if (name === "raddr") known = { ...known, relatedAddress: value };
    else if (name === "rport") known = { ...known, relatedPort };
    else if (name === "tcptype") known = { ...known, tcpType: value };
    else extensions.push([name, value]);
  }
  return { ...known, extensions };
}
