import type { CandidateFacts, SelectedPair, TimelinePhase, TimelineSnapshot } from "@naru/client";
import type { ComponentChildren, JSX } from "preact";
import { locale, t } from "../i18n/index.ts";
import { formatMillis } from "../model/format.ts";
import { candidateAddress, candidateSummary, fingerprintLines, PHASES } from "../model/timeline.ts";
import { Icon } from "./icon.tsx";

/** The four phases with their times and what is known of each. */
export function Phases({ timeline }: { readonly timeline: TimelineSnapshot }): JSX.Element {
  const total = lengthOf(timeline);
  return (
    <ol class="phases">
      {PHASES.map((phase) => (
        <Phase key={phase} timeline={timeline} phase={phase} total={total} />
      ))}
    </ol>
  );
}

/** What the bars are drawn against: the last end, or until now while something is still under way. */
function lengthOf(timeline: TimelineSnapshot): number {
  const ended = Math.max(1, ...PHASES.map((phase) => timeline[phase].endedAtMs ?? 0));
  const underWay =
    timeline.outcome !== "connected" && PHASES.some((phase) => timeline[phase].state === "active");
  return underWay ? Math.max(ended, Date.now() - timeline.startedAt) : ended;
}

function Phase({
  timeline,
  phase,
  total,
}: {
  readonly timeline: TimelineSnapshot;
  readonly phase: TimelinePhase;
  readonly total: number;
}): JSX.Element {
  const { inspector } = t.value;
  const record = timeline[phase];
  return (
    <li class="phase" data-state={record.state} data-testid={`phase-${phase}`}>
      <h3>
        <span class="phase-mark" aria-hidden="true">
          {record.state === "done" && <Icon name="check" />}
          {record.state === "failed" && <Icon name="x" />}
        </span>
        {inspector.phaseLong[phase]}
        <span class="phase-time numeric">{phaseTime(timeline, phase)}</span>
      </h3>
      <p class="phase-is">{inspector.phaseIs[phase]}</p>
      <PhaseBar startedAtMs={record.startedAtMs} endedAtMs={record.endedAtMs} total={total} />
      <dl class="facts">
        {phase === "exchange" && <ExchangeFacts timeline={timeline} />}
        {phase === "path" && <PathFacts timeline={timeline} />}
        {phase === "security" && <SecurityFacts timeline={timeline} />}
        {phase === "media" && <MediaFacts timeline={timeline} />}
      </dl>
    </li>
  );
}

/** When a phase ran, on the scale of the whole: phases overlap, and where the time went is seen at once. */
function PhaseBar({
  startedAtMs,
  endedAtMs,
  total,
}: {
  readonly startedAtMs: number | undefined;
  readonly endedAtMs: number | undefined;
  readonly total: number;
}): JSX.Element | null {
  if (startedAtMs === undefined) return null;
  const start = Math.min(100, (startedAtMs / total) * 100);
  const end = Math.min(100, ((endedAtMs ?? total) / total) * 100);
  return (
    <svg class="phase-bar" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
      <rect class="phase-bar-all" width="100" height="4" rx="2" />
      <rect class="phase-bar-part" x={start} width={Math.max(1, end - start)} height="4" rx="2" />
    </svg>
  );
}

function ExchangeFacts({ timeline }: { readonly timeline: TimelineSnapshot }): JSX.Element {
  const { inspector } = t.value;
  const { role, offersSent, offersReceived, answersSent, answersReceived } = timeline.exchange;
  return (
    <>
      {role !== undefined && (
        <Fact name={inspector.role}>
          {role === "offerer" ? inspector.roleOfferer : inspector.roleAnswerer}
        </Fact>
      )}
      <Fact name={inspector.descriptions}>
        {inspector.descriptionsValue(offersSent + offersReceived, answersSent + answersReceived)}
      </Fact>
    </>
  );
}

function PathFacts({ timeline }: { readonly timeline: TimelineSnapshot }): JSX.Element {
  const { inspector } = t.value;
  const { localCandidates, remoteCandidates, selectedPair, serverErrors } = timeline.path;
  return (
    <>
      <Fact name={inspector.localCandidates}>
        {candidateSummary(localCandidates) ?? inspector.noCandidates}
      </Fact>
      <Fact name={inspector.remoteCandidates}>
        {candidateSummary(remoteCandidates) ?? inspector.noCandidates}
      </Fact>
      {selectedPair !== undefined && <PairFact pair={selectedPair} />}
      {serverErrors.length > 0 && (
        <Fact name={inspector.serverErrors}>
          {serverErrors.map((error) => (
            <span key={error.url} class="fact-line">{`${error.url} (${error.code} ${error.text})`}</span>
          ))}
        </Fact>
      )}
    </>
  );
}

function PairFact({ pair }: { readonly pair: SelectedPair }): JSX.Element {
  const { inspector } = t.value;
  return (
    <Fact name={inspector.pair}>
      <strong data-testid="pair" data-local={pair.local.type} data-remote={pair.remote.type}>
        {pair.relayed ? inspector.relayed : inspector.direct}
      </strong>
      <CandidateLine end={inspector.here} candidate={pair.local} />
      <CandidateLine end={inspector.there} candidate={pair.remote} />
    </Fact>
  );
}

function CandidateLine({
  end,
  candidate,
}: {
  readonly end: string;
  readonly candidate: CandidateFacts;
}): JSX.Element {
  const { inspector } = t.value;
  const { type, protocol, relayProtocol } = candidate;
  const address = candidateAddress(candidate);
  return (
    <span class="fact-line">
      {`${end}: ${inspector.candidate[type]}, ${protocol.toUpperCase()}`}
      {relayProtocol !== undefined && `, ${inspector.relayVia(relayProtocol.toUpperCase())}`}
      {address !== undefined && <code>{address}</code>}
    </span>
  );
}

function SecurityFacts({ timeline }: { readonly timeline: TimelineSnapshot }): JSX.Element {
  const { inspector } = t.value;
  const { dtlsVersion, cipher, srtpCipher, localFingerprint, remoteFingerprint } = timeline.security;
  return (
    <>
      {dtlsVersion !== undefined && <Fact name={inspector.dtls}>{dtlsVersion}</Fact>}
      {cipher !== undefined && <Fact name={inspector.cipher}>{cipher}</Fact>}
      {srtpCipher !== undefined && <Fact name={inspector.srtp}>{srtpCipher}</Fact>}
      {localFingerprint !== undefined && (
        <Fact name={inspector.localFingerprint}>
          <Fingerprint text={localFingerprint} />
        </Fact>
      )}
      {remoteFingerprint !== undefined && (
        <Fact name={inspector.remoteFingerprint}>
          <Fingerprint text={remoteFingerprint} />
        </Fact>
      )}
    </>
  );
}

/** Eight bytes to a line: two people who compare it aloud keep their place. */
function Fingerprint({ text }: { readonly text: string }): JSX.Element {
  return (
    <code class="fingerprint">
      {fingerprintLines(text).map((line) => (
        <span key={line}>{line}</span>
      ))}
    </code>
  );
}

function MediaFacts({ timeline }: { readonly timeline: TimelineSnapshot }): JSX.Element {
  const { inspector } = t.value;
  const { expected, audioCodec, videoCodec, firstDecodedAtMs, dataOpenAtMs } = timeline.media;
  return (
    <>
      {!expected && <Fact name={inspector.firstFrame}>{inspector.notExpected}</Fact>}
      {expected && firstDecodedAtMs !== undefined && (
        <Fact name={inspector.firstFrame}>{formatMillis(firstDecodedAtMs, locale.value)}</Fact>
      )}
      {dataOpenAtMs !== undefined && (
        <Fact name={inspector.dataOpen}>{formatMillis(dataOpenAtMs, locale.value)}</Fact>
      )}
      {audioCodec !== undefined && <Fact name={inspector.audioCodec}>{audioCodec}</Fact>}
      {videoCodec !== undefined && <Fact name={inspector.videoCodec}>{videoCodec}</Fact>}
    </>
  );
}

/** One line of evidence. */
export function Fact({
  name,
  children,
}: {
  readonly name: string;
  readonly children: ComponentChildren;
}): JSX.Element {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function phaseTime(timeline: TimelineSnapshot, phase: TimelinePhase): string {
  const { state, startedAtMs, endedAtMs } = timeline[phase];
  if (startedAtMs !== undefined && endedAtMs !== undefined) {
    return formatMillis(endedAtMs - startedAtMs, locale.value);
  }
  return t.value.inspector.state[state];
}
