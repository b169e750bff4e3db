/**
 * The timeline of a connection: what happened in each of its four phases, and the verdict when it does not work.
 * One JSON shape for stack, SDK and application, described in `docs/protocols/timeline.md`.
 *
 * @module
 */

export { type Observation, TimelineRecorder } from "./recorder.ts";
export {
  type CandidateCounts,
  type CandidateFacts,
  type CandidateType,
  type ConnectionOutcome,
  type ExchangeRecord,
  type IceServerError,
  type MediaRecord,
  type PathRecord,
  type PhaseRecord,
  type PhaseState,
  type RestartRecord,
  type SecurityRecord,
  type SelectedPair,
  TIMELINE_PHASES,
  TIMELINE_VERSION,
  type TimelinePhase,
  type TimelineSnapshot,
  type Verdict,
  type VerdictCode,
} from "./timeline.ts";
export { judge, VERDICT_CODES, type VerdictHints, verdictOf } from "./verdict.ts";
