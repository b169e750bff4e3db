import type {
  ParticipantId,
  ParticipantInfo,
  ParticipantRole,
  ParticipantState,
  Presence,
} from "@naru/signaling/protocol";
import type { Millis } from "@naru/webrtc/sansio";
import type { ConnectionOutcome, TimelineSnapshot } from "@naru/webrtc/timeline";

/** How a connection is doing now. Fields are undefined where the browser does not say. */
export interface ConnectionStats {
  readonly roundTripMs?: Millis | undefined;
  /** Averages since the previous call of `stats()`. */
  readonly inboundBitrateBps?: number | undefined;
  readonly outboundBitrateBps?: number | undefined;
  /** Share of the incoming packets that were lost since the previous call, 0…1. */
  readonly inboundLoss?: number | undefined;
  /** Largest incoming picture. */
  readonly video?: VideoStats | undefined;
  readonly audioCodec?: string | undefined;
  /** True when a TURN server relays the packets. */
  readonly relayed?: boolean | undefined;
}

/** The incoming picture. */
export interface VideoStats {
  readonly width?: number | undefined;
  readonly height?: number | undefined;
  readonly framesPerSecond?: number | undefined;
  readonly codec?: string | undefined;
}

/** What stands behind a {@link RemoteParticipant}. */
export interface RemoteParticipantSource {
  readonly info: ParticipantInfo;
  readonly camera: MediaStream | undefined;
  readonly screen: MediaStream | undefined;
  readonly connection: ConnectionOutcome;
  timeline(): TimelineSnapshot;
  stats(): Promise<ConnectionStats>;
  retry(): void;
}

/**
 * Somebody else in the room. The object stays the same for as long as they are in it; its fields change, and the
 * room's `participantChanged`, `trackChanged` and `connectionChanged` say when.
 */
export class RemoteParticipant {
  readonly id: ParticipantId;
  readonly #source: RemoteParticipantSource;

  /** Made by the room. */
  constructor(source: RemoteParticipantSource) {
    this.id = source.info.id;
    this.#source = source;
  }

  get name(): string {
    return this.#source.info.name;
  }

  get role(): ParticipantRole {
    return this.#source.info.role;
  }

  /** `reconnecting` while their signaling connection is broken; media may well be flowing. */
  get presence(): Presence {
    return this.#source.info.presence;
  }

  /** What they say of themselves: whether they send audio, video and screen, whether their hand is up. */
  get state(): ParticipantState {
    return this.#source.info.state;
  }

  /** Rises with each join: sort by it to show people in the same order everywhere. */
  get joinOrder(): number {
    return this.#source.info.joinOrder;
  }

  /**
   * Microphone and camera as one stream, the same object for the life of a connection; undefined until it is
   * connected. Whether they are switched on is in {@link state}.
   */
  get camera(): MediaStream | undefined {
    return this.#source.camera;
  }

  /** The shared screen, with its audio when there is any; undefined while they share none. */
  get screen(): MediaStream | undefined {
    return this.#source.screen;
  }

  /** State of the direct connection. */
  get connection(): ConnectionOutcome {
    return this.#source.connection;
  }

  /** What happened so far, phase by phase. A new snapshot at each call. */
  get timeline(): TimelineSnapshot {
    return this.#source.timeline();
  }

  /** Asks the browser how the connection is doing. Call it once a second or less. */
  stats(): Promise<ConnectionStats> {
    return this.#source.stats();
  }

  /** Starts the connection over; for a "try again" button when it has failed. */
  retry(): void {
    this.#source.retry();
  }
}
