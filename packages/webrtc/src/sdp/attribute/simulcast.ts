import { parseDecimal, type SdpAttribute } from "./attribute.ts";

/** Names one encoding of a stream and restricts it (RFC 8851 §4). */
export interface SdpRid {
  /** Letters and digits, `-` and `_`. */
  readonly id: string;
  readonly direction: "send" | "recv";
  /** Payload types it may use; undefined for all of the section. */
  readonly payloadTypes?: readonly number[];
  /** `max-width`, `max-br`, …, in order. */
  readonly restrictions: readonly (readonly [name: string, value: string])[];
}

const RID_ID = /^[A-Za-z0-9_-]{1,255}$/;

export const RID: SdpAttribute<SdpRid> = {
  name: "rid",
  parse(value) {
    const match = /^(\S+) (send|recv)(?: (\S+))?$/.exec(value ?? "");
    if (match === null || !RID_ID.test(match[1]!)) return undefined;
    const restrictions: (readonly [string, string])[] = [];
    let payloadTypes: readonly number[] | undefined;
    for (const parameter of match[3]?.split(";") ?? []) {
      const equals = parameter.indexOf("=");
      const name = equals === -1 ? parameter : parameter.slice(0, equals);
      const setting = equals === -1 ? "" : parameter.slice(equals + 1);
      if (name !== "pt") {
        restrictions.push([name, setting]);
        continue;
      }
      const words = setting.split(",");
      payloadTypes = words.flatMap((word) => parseDecimal(word, 127) ?? []);
      if (payloadTypes.length !== words.length) return undefined;
    }
    return {
      id: match[1]!,
      direction: match[2] === "send" ? "send" : "recv",
      ...(payloadTypes === undefined ? {} : { payloadTypes }),
      restrictions,
    };
  },
  serialize({ id, direction, payloadTypes, restrictions }) {
    const parameters = restrictions.map(([name, setting]) => (setting === "" ? name : `${name}=${setting}`));
    if (payloadTypes !== undefined) parameters.unshift(`pt=${payloadTypes.join(",")}`);
    return `${id} ${direction}${parameters.length === 0 ? "" : ` ${parameters.join(";")}`}`;
  },
};

/** One alternative of a simulcast stream. */
export interface SdpSimulcastAlternative {
  readonly rid: string;
  /** Written with `~`: not sent for now. */
  readonly paused: boolean;
}

/** A simulcast stream: its alternatives in order of preference. */
export type SdpSimulcastStream = readonly SdpSimulcastAlternative[];

/** The simulcast streams of a section (RFC 8853 §5.1). */
export interface SdpSimulcast {
  readonly send?: readonly SdpSimulcastStream[];
  readonly recv?: readonly SdpSimulcastStream[];
}

export const SIMULCAST: SdpAttribute<SdpSimulcast> = {
  name: "simulcast",
  parse(value) {
    const words = value?.split(" ") ?? [];
    if (words.length !== 2 && words.length !== 4) return undefined;
    let simulcast: SdpSimulcast = {};
    for (let i = 0; i < words.length; i += 2) {
      const direction = words[i]!;
      const streams = parseStreams(words[i + 1]!);
      if (streams === undefined) return undefined;
      if (direction === "send" && simulcast.send === undefined) simulcast = { ...simulcast, send: streams };
      else if (direction === "recv" && simulcast.recv === undefined)
        simulcast = { ...simulcast, recv: streams };
      else return undefined;
    }
    return simulcast;
  },
  serialize({ send, recv }) {
    const words: string[] = [];
    if (send !== undefined) words.push("send", serializeStreams(send));
    if (recv !== undefined) words.push("recv", serializeStreams(recv));
    return words.join(" ");
  },
};

function parseStreams(text: string): SdpSimulcastStream[] | undefined {
  const streams = text.split(";").map((stream) =>
    stream.split(",").map((word) => {
      const paused = word.startsWith("~");
      return { rid: paused ? word.slice(1) : word, paused };
    }),
  );
  return streams.every((stream) => stream.every(({ rid }) => RID_ID.test(rid))) ? streams : undefined;
}

function serializeStreams(streams: readonly SdpSimulcastStream[]): string {
  return streams
    .map((stream) => stream.map(({ rid, paused }) => (paused ? `~${rid}` : rid)).join(","))
    .join(";");
}
