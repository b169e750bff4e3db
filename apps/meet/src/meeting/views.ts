import type {
  ConnectionOutcome,
  LocalParticipant,
  ParticipantId,
  RemoteParticipant,
  TimelineSnapshot,
} from "@naru/client";

/** Somebody else at one moment: what a tile shows. */
export interface PeerView {
  readonly participant: RemoteParticipant;
  readonly id: ParticipantId;
  readonly name: string;
  readonly host: boolean;
  readonly away: boolean;
  readonly audio: boolean;
  readonly video: boolean;
  readonly sharing: boolean;
  readonly hand: boolean;
  readonly camera: MediaStream | undefined;
  readonly screen: MediaStream | undefined;
  readonly connection: ConnectionOutcome;
  readonly timeline: TimelineSnapshot;
}

/** Oneself at one moment. */
export interface LocalView {
  readonly id: ParticipantId | undefined;
  readonly name: string;
  readonly host: boolean;
  readonly audio: boolean;
  readonly video: boolean;
  readonly hand: boolean;
  readonly microphone: MediaStreamTrack | undefined;
  readonly camera: MediaStreamTrack | undefined;
  readonly screen: MediaStream | undefined;
}

/** What a tile shows of somebody else now. */
export function peerView(participant: RemoteParticipant): PeerView {
  const { state } = participant;
  return {
    participant,
    id: participant.id,
    name: participant.name,
    host: participant.role === "host",
    away: participant.presence === "reconnecting",
    audio: state.audio === true,
    video: state.video === true,
    sharing: state.screen === true,
    hand: state.hand === true,
    camera: participant.camera,
    screen: participant.screen,
    connection: participant.connection,
    timeline: participant.timeline,
  };
}

/** What is shown of oneself now. */
export function localView(participant: LocalParticipant): LocalView {
  const { state } = participant;
  return {
    id: participant.id,
    name: participant.name,
    host: participant.role === "host",
    audio: state.audio === true,
    video: state.video === true,
    hand: state.hand === true,
    microphone: participant.microphone,
    camera: participant.camera,
    screen: participant.screen,
  };
}
