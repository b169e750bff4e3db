import type { Millis, WallClockMillis } from "../sansio/index.ts";
import {
  type CandidateCounts,
  type CandidateType,
  type ConnectionOutcome,
  type IceServerError,
  type PhaseState,
  type RestartRecord,
  type SelectedPair,
  TIMELINE_PHASES,
  TIMELINE_VERSION,
  type TimelinePhase,
  type TimelineSnapshot,
  type Verdict,
} from "./timeline.ts";

/** Something that was seen. Every observation may come more than once, and late. */
export type Observation =
  | {
      readonly type: "description";
      readonly kind: "offer" | "answer";
      readonly direction: "sent" | "received";
    }
  | {
      readonly type: "candidate";
      readonly side: "local" | "remote";
      readonly candidateType: CandidateType;
      readonly protocol: "udp" | "tcp";
    }
  | { readonly type: "gatheringComplete" }
  | { readonly type: "serverError"; readonly error: IceServerError }
  /** ICE state of webrtc-pc §5.6.4, as far as it matters here. */
  | { readonly type: "ice"; readonly state: "checking" | "connected" | "disconnected" | "failed" }
  | { readonly type: "selectedPair"; readonly pair: SelectedPair }
  | { readonly type: "dtls"; readonly state: "connecting" | "connected" | "failed" | "closed" }
  | {
      readonly type: "security";
      readonly dtlsVersion?: string | undefined;
      readonly cipher?: string | undefined;
      readonly srtpCipher?: string | undefined;
      readonly localFingerprint?: string | undefined;
      readonly remoteFingerprint?: string | undefined;
    }
  | { readonly type: "dataOpen" }
  /** Whether the other side says that it sends media. */
  | { readonly type: "mediaExpected"; readonly expected: boolean }
  | { readonly type: "firstPacket" }
  | { readonly type: "firstDecoded" }
  | { readonly type: "codec"; readonly kind: "audio" | "video"; readonly name: string }
  | { readonly type: "restart"; readonly kind: RestartRecord["kind"]; readonly reason: string }
  /** Something is wrong; `final` when nothing more is tried. */
  | { readonly type: "verdict"; readonly verdict: Verdict; readonly final: boolean }
  /** What the verdict said is over. */
  | { readonly type: "resolved" }
  | { readonly type: "closed" };

const MAX_SERVER_ERRORS = 8;
const MAX_RESTARTS = 32;

interface Phase {
  state: PhaseState;
  startedAtMs: Millis | undefined;
  endedAtMs: Millis | undefined;
}

type Counts = { -readonly [Type in keyof CandidateCounts]: number };

/**
 * Keeps the timeline of one connection: observations in, snapshots out. The same recorder serves the stack, which
 * sees its own protocols, and the SDK, which asks a browser.
 */
export class TimelineRecorder {
  readonly #startedAt: WallClockMillis;
  readonly #start: Millis;
  readonly #phases: Record<TimelinePhase, Phase>;
  #role: "offerer" | "answerer" | undefined;
  readonly #exchanged = { offersSent: 0, offersReceived: 0, answersSent: 0, answersReceived: 0 };
  #candidates: { local: Counts; remote: Counts } = { local: noCandidates(), remote: noCandidates() };
  #gatheringComplete = false;
  #pair: SelectedPair | undefined;
  readonly #serverErrors: IceServerError[] = [];
  #security: Omit<Extract<Observation, { type: "security" }>, "type"> = {};
  #expected = false;
  #dataOpenAtMs: Millis | undefined;
  #firstPacketAtMs: Millis | undefined;
  #firstDecodedAtMs: Millis | undefined;
  #codecs: { audio?: string; video?: string } = {};
  #restarts: RestartRecord[] = [];
  #verdict: Verdict | undefined;
  #everConnected = false;
  #iceUp = false;
  #dtlsUp = false;
  /** An ICE restart has not been answered yet: the pair is still the old one. */
  #answerDue = false;
  #end: "failed" | "closed" | undefined;

  /**
   * @param now - The beginning.
   * @param wallClock - The beginning, on the wall clock.
   */
  constructor(now: Millis, wallClock: WallClockMillis) {
    this.#start = now;
    this.#startedAt = wallClock;
    const waiting = (): Phase => ({ state: "waiting", startedAtMs: undefined, endedAtMs: undefined });
    this.#phases = { exchange: waiting(), path: waiting(), security: waiting(), media: waiting() };
    this.#enter("exchange", 0);
  }

  /** Takes one observation. */
  record(observation: Observation, now: Millis): void {
    const atMs = Math.max(0, Math.round(now - this.#start));
    switch (observation.type) {
      case "description":
        this.#countDescription(observation.kind, observation.direction, atMs);
        break;
      case "candidate":
        this.#candidates[observation.side][observation.candidateType]++;
        if (observation.protocol === "tcp") this.#candidates[observation.side].tcp++;
        break;
      case "gatheringComplete":
        this.#gatheringComplete = true;
        break;
      case "serverError":
        if (this.#serverErrors.length < MAX_SERVER_ERRORS) this.#serverErrors.push(observation.error);
        break;
      case "ice":
        this.#recordIce(observation.state, atMs);
        break;
      case "selectedPair":
        this.#pair = observation.pair;
        // An ICE restart under a path that still works changes no state: the new pair is its only sign.
        if (!this.#answerDue) this.#settleConnected(atMs);
        break;
      case "dtls":
        this.#recordDtls(observation.state, atMs);
        break;
      case "security": {
        const { type: _, ...facts } = observation;
        this.#security = { ...this.#security, ...definedOnly(facts) };
        break;
      }
      case "dataOpen":
        this.#dataOpenAtMs ??= atMs;
        this.#settleMedia(atMs);
        break;
      case "mediaExpected":
        this.#expected = observation.expected;
        // With nothing expected the data channel was enough; now it is not.
        if (this.#expected && this.#firstDecodedAtMs === undefined && this.#phases.media.state === "done") {
          this.#resume("media");
        }
        this.#settleMedia(atMs);
        break;
      case "firstPacket":
        this.#firstPacketAtMs ??= atMs;
        break;
      case "firstDecoded":
        this.#firstPacketAtMs ??= atMs;
        this.#firstDecodedAtMs ??= atMs;
        this.#settleMedia(atMs);
        break;
      case "codec":
        this.#codecs = { ...this.#codecs, [observation.kind]: observation.name };
        break;
      case "restart":
        this.#recordRestart(observation.kind, observation.reason, atMs);
        break;
      case "verdict":
        this.#recordVerdict(observation.verdict, observation.final, atMs);
        break;
      case "resolved":
        this.#resolve(atMs);
        break;
      case "closed":
        this.#end = "closed";
        break;
      default:
        observation satisfies never;
    }
  }

  /** Everything until now, as plain data. */
  snapshot(): TimelineSnapshot {
    return {
      version: TIMELINE_VERSION,
      startedAt: this.#startedAt,
      outcome: this.outcome,
      exchange: { ...this.#phases.exchange, role: this.#role, ...this.#exchanged },
      path: {
        ...this.#phases.path,
        localCandidates: { ...this.#candidates.local },
        remoteCandidates: { ...this.#candidates.remote },
        gatheringComplete: this.#gatheringComplete,
        selectedPair: this.#pair,
        serverErrors: [...this.#serverErrors],
      },
      security: { ...this.#phases.security, ...this.#security },
      media: {
        ...this.#phases.media,
        expected: this.#expected,
        dataOpenAtMs: this.#dataOpenAtMs,
        firstPacketAtMs: this.#firstPacketAtMs,
        firstDecodedAtMs: this.#firstDecodedAtMs,
        audioCodec: this.#codecs.audio,
        videoCodec: this.#codecs.video,
      },
      restarts: [...this.#restarts],
      verdict: this.#verdict,
    };
  }

  get outcome(): ConnectionOutcome {
    if (this.#end !== undefined) return this.#end;
    if (this.#iceUp && this.#dtlsUp) return "connected";
    return this.#everConnected ? "recovering" : "connecting";
  }

  /** Milliseconds since the beginning. */
  elapsedMs(now: Millis): Millis {
    return Math.max(0, Math.round(now - this.#start));
  }

  #countDescription(kind: "offer" | "answer", direction: "sent" | "received", atMs: Millis): void {
    if (kind === "offer") {
      if (direction === "sent") this.#exchanged.offersSent++;
      else this.#exchanged.offersReceived++;
      this.#role ??= direction === "sent" ? "offerer" : "answerer";
      return;
    }
    if (direction === "sent") this.#exchanged.answersSent++;
    else this.#exchanged.answersReceived++;
    this.#answerDue = false;
    this.#finish("exchange", atMs);
    this.#enter("path", atMs);
  }

  #recordIce(state: "checking" | "connected" | "disconnected" | "failed", atMs: Millis): void {
    this.#iceUp = state === "connected";
    if (state === "checking") {
      this.#enter("path", atMs);
      return;
    }
    if (state !== "connected") {
      if (this.#phases.path.state === "done") this.#resume("path");
      return;
    }
    this.#finish("path", atMs);
    this.#enter("security", atMs);
    this.#settleConnected(atMs);
  }

  #recordDtls(state: "connecting" | "connected" | "failed" | "closed", atMs: Millis): void {
    this.#dtlsUp = state === "connected";
    if (state === "connecting") this.#enter("security", atMs);
    if (state === "failed") this.#fail("security", atMs);
    if (state === "connected") this.#settleConnected(atMs);
  }

  #settleConnected(atMs: Millis): void {
    if (!this.#iceUp || !this.#dtlsUp) return;
    this.#everConnected = true;
    this.#end = undefined;
    // A path that was lost and works again has no verdict any more; one about media is not about the path.
    if (this.#verdict !== undefined && this.#verdict.phase !== "media") this.#verdict = undefined;
    this.#finish("exchange", atMs);
    this.#finish("path", atMs);
    this.#finish("security", atMs);
    this.#enter("media", atMs);
    this.#settleMedia(atMs);
    this.#restarts = this.#restarts.map((restart) =>
      restart.recoveredAtMs === undefined ? { ...restart, recoveredAtMs: atMs } : restart,
    );
  }

  /** Media is done when what is expected was decoded; when nothing is, the open data channel is enough. */
  #settleMedia(atMs: Millis): void {
    const { state } = this.#phases.media;
    if (state !== "active" && state !== "failed") return;
    const decoded = this.#firstDecodedAtMs !== undefined;
    if (!decoded && (this.#expected || this.#dataOpenAtMs === undefined)) return;
    if (this.#verdict?.phase === "media") this.#verdict = undefined;
    this.#finish("media", atMs);
  }

  #recordRestart(kind: RestartRecord["kind"], reason: string, atMs: Millis): void {
    this.#restarts = [...this.#restarts, { atMs, kind, reason }].slice(-MAX_RESTARTS);
    this.#end = undefined;
    this.#pair = undefined;
    this.#gatheringComplete = false;
    this.#candidates = { local: noCandidates(), remote: noCandidates() };
    this.#again("path");
    this.#answerDue = true;
    // The old path may still carry packets until the new one is there.
    if (kind === "ice") return;
    this.#iceUp = false;
    this.#dtlsUp = false;
    this.#dataOpenAtMs = undefined;
    this.#firstPacketAtMs = undefined;
    this.#firstDecodedAtMs = undefined;
    this.#security = {};
    for (const phase of TIMELINE_PHASES) this.#again(phase);
    this.#enter("exchange", atMs);
  }

  #recordVerdict(verdict: Verdict, final: boolean, atMs: Millis): void {
    this.#verdict = verdict;
    // While repair goes on, its phases go on too; missing media is nothing that repair is tried for.
    if (final || verdict.phase === "media") this.#fail(verdict.phase, atMs);
    if (final) this.#end = "failed";
  }

  #resolve(atMs: Millis): void {
    if (this.#verdict === undefined) return;
    const phase = this.#phases[this.#verdict.phase];
    if (phase.state === "failed") phase.state = "active";
    this.#verdict = undefined;
    this.#settleMedia(atMs);
  }

  #enter(name: TimelinePhase, atMs: Millis): void {
    const phase = this.#phases[name];
    if (phase.state === "done" || phase.state === "active") return;
    phase.state = "active";
    phase.startedAtMs ??= atMs;
    phase.endedAtMs = undefined;
  }

  #finish(name: TimelinePhase, atMs: Millis): void {
    const phase = this.#phases[name];
    if (phase.state === "done") return;
    phase.state = "done";
    phase.startedAtMs ??= atMs;
    phase.endedAtMs = atMs;
  }

  #fail(name: TimelinePhase, atMs: Millis): void {
    const phase = this.#phases[name];
    phase.state = "failed";
    phase.startedAtMs ??= atMs;
    phase.endedAtMs = atMs;
  }

  /** It was done, and is not any more. */
  #resume(name: TimelinePhase): void {
    const phase = this.#phases[name];
    phase.state = "active";
    phase.endedAtMs = undefined;
  }

  #again(name: TimelinePhase): void {
    const phase = this.#phases[name];
    phase.state = "waiting";
    phase.startedAtMs = undefined;
    phase.endedAtMs = undefined;
  }
}

function noCandidates(): Counts {
  return { host: 0, srflx: 0, prflx: 0, relay: 0, tcp: 0 };
}

/** Facts once known stay known when a later look finds less. */
function definedOnly<Facts extends object>(facts: Facts): Partial<Facts> {
  const known: Partial<Facts> = { ...facts };
  for (const name of Object.keys(facts)) {
    if (Reflect.get(facts, name) === undefined) Reflect.deleteProperty(known, name);
  }
  return known;
}
