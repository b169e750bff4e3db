import type { ParticipantState } from "@naru/signaling/protocol";
import {
  type ConnectionOutcome,
  judge,
  type Observation,
  TimelineRecorder,
  type TimelineSnapshot,
  type Verdict,
} from "@naru/webrtc/timeline";
import type { ClientPlatform, ClientTimer } from "../platform/platform.ts";
import { fingerprintOf } from "./description.ts";
import { candidateType, StatsReader } from "./stats.ts";

/** While something is still expected to happen, and afterwards. */
const LOOK_OFTEN_MS = 500;
const LOOK_RARELY_MS = 5_000;
/** Media that was announced and has not come by then will not come. */
const MEDIA_TIMEOUT_MS = 10_000;

export interface LinkTimelineOptions {
  readonly platform: ClientPlatform;
  readonly onChange: () => void;
  /** The connection works, but something of its media does not. */
  readonly onMediaVerdict: (verdict: Verdict) => void;
}

/** What is looked at: a peer connection that is up. */
interface Watched {
  getStats(): Promise<RTCStatsReport>;
}

/** Feeds the timeline of one connection from what a browser tells: events, descriptions, statistics. */
export class LinkTimeline {
  readonly #options: LinkTimelineOptions;
  readonly #recorder: TimelineRecorder;
  #stats: StatsReader = new StatsReader();
  #watched: Watched | undefined;
  /** Since when the connection is up, and media is expected over it. */
  #expectedSince = 0;
  #timer: ClientTimer | undefined;

  constructor(options: LinkTimelineOptions) {
    this.#options = options;
    this.#recorder = new TimelineRecorder(options.platform.now(), options.platform.wallClock());
  }

  record(observation: Observation): void {
    this.#recorder.record(observation, this.#now);
    if (observation.type === "restart") this.#handleRestart(observation.kind);
    this.#options.onChange();
  }

  /** @param line - `candidate:…` as in SDP. */
  recordCandidate(side: "local" | "remote", line: string): void {
    // RFC 8839 §5.1: candidate:<foundation> <component> <transport> <priority> <address> <port> typ <type> …
    const match = /^candidate:\S+ \d+ (\S+) .* typ (\S+)/i.exec(line);
    const type = candidateType(match?.[2]);
    if (type === undefined) return;
    const protocol = match?.[1]?.toLowerCase() === "tcp" ? "tcp" : "udp";
    this.record({ type: "candidate", side, candidateType: type, protocol });
  }

  recordServerError({ url, errorCode: code, errorText: text }: RTCPeerConnectionIceErrorEvent): void {
    this.record({ type: "serverError", error: { url, code, text: text.slice(0, 200) } });
  }

  recordFingerprints(localSdp: string | undefined, remoteSdp: string | undefined): void {
    this.record({
      type: "security",
      localFingerprint: fingerprintOf(localSdp),
      remoteFingerprint: fingerprintOf(remoteSdp),
    });
  }

  recordExpectation({ audio, video, screen }: ParticipantState): void {
    const expected = audio === true || video === true || screen === true;
    const isNew = expected && !this.snapshot().media.expected;
    this.record({ type: "mediaExpected", expected });
    if (!isNew) return;
    this.#expectedSince = this.#now;
    if (this.#watched !== undefined) this.#lookIn(LOOK_OFTEN_MS);
  }

  /** The peer connection is up: asks it from now on, often while something is due. */
  watch(watched: Watched): void {
    if (this.#watched !== watched) this.#expectedSince = this.#now;
    this.#watched = watched;
    this.#look();
  }

  close(): void {
    this.record({ type: "closed" });
    this.#watched = undefined;
    this.#timer?.cancel();
  }

  snapshot(): TimelineSnapshot {
    return this.#recorder.snapshot();
  }

  get outcome(): ConnectionOutcome {
    return this.#recorder.outcome;
  }

  /** Since the beginning. */
  get elapsedMs(): number {
    return this.#recorder.elapsedMs(this.#now);
  }

  #handleRestart(kind: "ice" | "rebuild"): void {
    if (kind === "ice") {
      if (this.#watched !== undefined) this.#lookIn(LOOK_OFTEN_MS);
      return;
    }
    this.#watched = undefined;
    this.#timer?.cancel();
    this.#stats = new StatsReader();
  }

  #look(): void {
    const watched = this.#watched;
    if (watched === undefined) return;
    const { media, path } = this.snapshot();
    this.#lookIn(media.state === "active" || path.state !== "done" ? LOOK_OFTEN_MS : LOOK_RARELY_MS);
    watched.getStats().then(
      (report) => {
        if (watched === this.#watched) this.#read(report);
      },
      // A peer connection that is being closed has no statistics; the next one is looked at again.
      () => undefined,
    );
  }

  #read(report: RTCStatsReport): void {
    for (const observation of this.#stats.read(report, this.#now).observations) {
      this.#recorder.record(observation, this.#now);
    }
    const timeline = this.snapshot();
    const { media, outcome } = timeline;
    // While the path is being repaired, nothing can arrive: that is another verdict's.
    if (outcome !== "connected") this.#expectedSince = this.#now;
    if (media.state === "active" && this.#now - this.#expectedSince >= MEDIA_TIMEOUT_MS) {
      const verdict = judge(timeline, { phase: "media" });
      this.#recorder.record({ type: "verdict", verdict, final: false }, this.#now);
      this.#options.onMediaVerdict(verdict);
    }
    this.#options.onChange();
  }

  #lookIn(delayMs: number): void {
    this.#timer?.cancel();
    this.#timer = this.#options.platform.setTimer(() => this.#look(), delayMs);
  }

  get #now(): number {
    return this.#options.platform.now();
  }
}
