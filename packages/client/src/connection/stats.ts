import type { Millis } from "@naru/webrtc/sansio";
import type { CandidateFacts, CandidateType, Observation, SelectedPair } from "@naru/webrtc/timeline";
import type { ConnectionStats, VideoStats } from "../remote-participant.ts";

/** One entry of a stats report: the browsers differ in what they fill in. */
type Entry = Readonly<Record<string, unknown>>;

/** Totals of a report, to be compared with those of the next. */
interface Totals {
  readonly at: Millis;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly packetsReceived: number;
  readonly packetsLost: number;
}

/** What one look at the stats told. */
export interface StatsReading {
  readonly observations: readonly Observation[];
  readonly stats: ConnectionStats;
}

/** Reads stats reports (webrtc-stats) of one peer connection, one after another. */
export class StatsReader {
  #previous: Totals | undefined;

  read(report: RTCStatsReport, now: Millis): StatsReading {
    const entries = new Map<string, Entry>();
    report.forEach((value: unknown, key) => {
      if (typeof value === "object" && value !== null) entries.set(key, { ...value });
    });
    const pair = findPair(entries);
    const observations: Observation[] = [];
    const selected = pair === undefined ? undefined : describePair(pair, entries);
    if (selected !== undefined) observations.push({ type: "selectedPair", pair: selected });
    observations.push(...readSecurity(entries), ...readMedia(entries));
    return { observations, stats: this.#stats(entries, pair, selected, now) };
  }

  #stats(
    entries: ReadonlyMap<string, Entry>,
    pair: Entry | undefined,
    selected: SelectedPair | undefined,
    now: Millis,
  ): ConnectionStats {
    const totals = total(entries, pair, now);
    const previous = this.#previous;
    this.#previous = totals;
    return {
      roundTripMs: selected?.roundTripMs,
      relayed: selected?.relayed,
      ...(previous === undefined ? {} : rates(previous, totals)),
      video: largestVideo(entries),
      audioCodec: codecOf(entries, "audio"),
    };
  }
}

function rates(before: Totals, after: Totals): ConnectionStats {
  const seconds = (after.at - before.at) / 1_000;
  if (seconds <= 0) return {};
  const received = after.packetsReceived - before.packetsReceived;
  const lost = Math.max(0, after.packetsLost - before.packetsLost);
  return {
    inboundBitrateBps: Math.max(0, Math.round(((after.bytesReceived - before.bytesReceived) * 8) / seconds)),
    outboundBitrateBps: Math.max(0, Math.round(((after.bytesSent - before.bytesSent) * 8) / seconds)),
    inboundLoss: received + lost > 0 ? lost / (received + lost) : undefined,
  };
}

function total(entries: ReadonlyMap<string, Entry>, pair: Entry | undefined, at: Millis): Totals {
  const inbound = [...ofType(entries, "inbound-rtp")];
  return {
    at,
    bytesReceived: number(pair?.["bytesReceived"]) ?? 0,
    bytesSent: number(pair?.["bytesSent"]) ?? 0,
    packetsReceived: sum(inbound, "packetsReceived"),
    packetsLost: sum(inbound, "packetsLost"),
  };
}

/** The transport names its pair; Firefox marks it `selected`; else it is the nominated one that works. */
function findPair(entries: ReadonlyMap<string, Entry>): Entry | undefined {
  for (const transport of ofType(entries, "transport")) {
    const pair = entries.get(String(transport["selectedCandidatePairId"]));
    if (pair !== undefined) return pair;
  }
  const pairs = [...ofType(entries, "candidate-pair")];
  return (
    pairs.find((pair) => pair["selected"] === true) ??
    pairs.find((pair) => pair["nominated"] === true && pair["state"] === "succeeded")
  );
}

function describePair(pair: Entry, entries: ReadonlyMap<string, Entry>): SelectedPair | undefined {
  const local = describeCandidate(entries.get(String(pair["localCandidateId"])));
  const remote = describeCandidate(entries.get(String(pair["remoteCandidateId"])));
  if (local === undefined || remote === undefined) return undefined;
  const seconds = number(pair["currentRoundTripTime"]);
  return {
    local,
    remote,
    relayed: local.type === "relay" || remote.type === "relay",
    roundTripMs: seconds === undefined ? undefined : Math.round(seconds * 1_000),
  };
}

function describeCandidate(candidate: Entry | undefined): CandidateFacts | undefined {
  const type = candidateType(candidate?.["candidateType"]);
  if (candidate === undefined || type === undefined) return undefined;
  const relayProtocol = candidate["relayProtocol"];
  return {
    type,
    protocol: candidate["protocol"] === "tcp" ? "tcp" : "udp",
    address: string(candidate["address"]),
    port: number(candidate["port"]),
    relayProtocol:
      relayProtocol === "udp" || relayProtocol === "tcp" || relayProtocol === "tls"
        ? relayProtocol
        : undefined,
  };
}

/** A candidate type of RFC 8445; undefined for anything else. */
export function candidateType(value: unknown): CandidateType | undefined {
  return value === "host" || value === "srflx" || value === "prflx" || value === "relay" ? value : undefined;
}

function* readSecurity(entries: ReadonlyMap<string, Entry>): Generator<Observation> {
  for (const transport of ofType(entries, "transport")) {
    if (transport["dtlsState"] !== "connected") continue;
    yield {
      type: "security",
      dtlsVersion: dtlsVersion(transport["tlsVersion"]),
      cipher: string(transport["dtlsCipher"]),
      srtpCipher: string(transport["srtpCipher"]),
    };
  }
}

/** The version as on the wire, in hexadecimal (webrtc-stats §8.12): FEFD is DTLS 1.2, FEFC 1.3. */
function dtlsVersion(value: unknown): string | undefined {
  const version = string(value)?.toUpperCase();
  if (version === "FEFC") return "1.3";
  return version === "FEFD" ? "1.2" : undefined;
}

function* readMedia(entries: ReadonlyMap<string, Entry>): Generator<Observation> {
  for (const inbound of ofType(entries, "inbound-rtp")) {
    if ((number(inbound["packetsReceived"]) ?? 0) > 0) yield { type: "firstPacket" };
    // Samples count silence that was made up, too: less the concealed ones they are what was really decoded.
    const samples =
      (number(inbound["totalSamplesReceived"]) ?? 0) - (number(inbound["concealedSamples"]) ?? 0);
    if ((number(inbound["framesDecoded"]) ?? 0) > 0 || samples > 0) yield { type: "firstDecoded" };
  }
  for (const kind of ["audio", "video"] as const) {
    const name = codecOf(entries, kind);
    if (name !== undefined) yield { type: "codec", kind, name };
  }
}

/** Name of the codec that is received, without its media type: "opus", "VP8". */
function codecOf(entries: ReadonlyMap<string, Entry>, kind: "audio" | "video"): string | undefined {
  for (const inbound of ofType(entries, "inbound-rtp")) {
    if (inbound["kind"] !== kind || (number(inbound["packetsReceived"]) ?? 0) === 0) continue;
    const mimeType = string(entries.get(String(inbound["codecId"]))?.["mimeType"]);
    if (mimeType !== undefined) return mimeType.slice(mimeType.indexOf("/") + 1);
  }
  return undefined;
}

function largestVideo(entries: ReadonlyMap<string, Entry>): VideoStats | undefined {
  let largest: Entry | undefined;
  for (const inbound of ofType(entries, "inbound-rtp")) {
    if (inbound["kind"] !== "video" || (number(inbound["frameWidth"]) ?? 0) === 0) continue;
    if ((number(inbound["frameWidth"]) ?? 0) > (number(largest?.["frameWidth"]) ?? 0)) largest = inbound;
  }
  if (largest === undefined) return undefined;
  return {
    width: number(largest["frameWidth"]),
    height: number(largest["frameHeight"]),
    framesPerSecond: number(largest["framesPerSecond"]),
    codec: codecOf(entries, "video"),
  };
}

function* ofType(entries: ReadonlyMap<string, Entry>, type: string): Generator<Entry> {
  for (const entry of entries.values()) if (entry["type"] === type) yield entry;
}

function sum(entries: readonly Entry[], name: string): number {
  return entries.reduce((total, entry) => total + (number(entry[name]) ?? 0), 0);
}

function number(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

function string(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
