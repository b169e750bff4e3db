import type { IceServer, ParticipantId, ParticipantInfo, SignalFromMessage } from "@naru/signaling/protocol";
import type { Logger } from "@naru/webrtc/sansio";
import type { ControlMessage } from "../connection/control-link.ts";
import { type OutgoingMedia, videoLimits } from "../connection/media-slots.ts";
import { PeerLink, type PeerLinkEvent } from "../connection/peer-link.ts";
import type { ClientPlatform } from "../platform/platform.ts";

export interface MeshOptions {
  readonly platform: ClientPlatform;
  readonly log: Logger;
  readonly iceTransportPolicy: RTCIceTransportPolicy;
  readonly onEvent: (id: ParticipantId, event: PeerLinkEvent) => void;
}

/**
 * One direct connection to each other participant. Connections live exactly as long as their participants: broken
 * signaling, a `reconnecting` participant or a restarted server end none of them.
 */
export class Mesh {
  readonly #options: MeshOptions;
  readonly #links: Map<ParticipantId, PeerLink> = new Map();
  #iceServers: readonly IceServer[] = [];
  #serverUp = false;

  constructor(options: MeshOptions) {
    this.#options = options;
  }

  /** Connects to a participant; undefined when there is a connection already. */
  add(info: ParticipantInfo, selfJoinOrder: number, media: OutgoingMedia): PeerLink | undefined {
    if (this.#links.has(info.id)) return undefined;
    const link = new PeerLink({
      platform: this.#options.platform,
      log: this.#options.log,
      configuration: this.#configuration,
      // Whoever came later makes the first offer, and gives way when offers cross.
      polite: selfJoinOrder > info.joinOrder,
      info,
      media,
      limits: videoLimits(this.#links.size + 1),
      signalingUp: this.#serverUp,
      onEvent: (event) => this.#options.onEvent(info.id, event),
    });
    this.#links.set(info.id, link);
    this.#shareBandwidth();
    return link;
  }

  remove(id: ParticipantId): void {
    const link = this.#links.get(id);
    if (link === undefined) return;
    this.#links.delete(id);
    link.close();
    this.#shareBandwidth();
  }

  handleSignal(message: SignalFromMessage): void {
    this.#links.get(message.from)?.handleSignal(message);
  }

  handleInfo(info: ParticipantInfo): void {
    this.#links.get(info.id)?.handleInfo(info);
  }

  /** The connection to the server broke or is back. */
  handleServer(up: boolean): void {
    if (up === this.#serverUp) return;
    this.#serverUp = up;
    for (const link of this.#links.values()) link.handleServer(up);
  }

  handleNetworkChange(): void {
    for (const link of this.#links.values()) link.handleNetworkChange();
  }

  setIceServers(iceServers: readonly IceServer[]): void {
    this.#iceServers = iceServers;
    for (const link of this.#links.values()) link.setConfiguration(this.#configuration);
  }

  setMedia(media: OutgoingMedia): void {
    for (const link of this.#links.values()) link.setMedia(media);
  }

  /** Sends to one participant exactly once; false when there is none, or too much is waiting. */
  send(to: ParticipantId, message: ControlMessage): boolean {
    return this.#links.get(to)?.send(message) ?? false;
  }

  link(id: ParticipantId): PeerLink | undefined {
    return this.#links.get(id);
  }

  close(): void {
    for (const id of [...this.#links.keys()]) this.remove(id);
  }

  get ids(): readonly ParticipantId[] {
    return [...this.#links.keys()];
  }

  #shareBandwidth(): void {
    const limits = videoLimits(this.#links.size);
    for (const link of this.#links.values()) link.setVideoLimits(limits);
  }

  get #configuration(): RTCConfiguration {
    return {
      iceServers: this.#iceServers.map((server) => ({ ...server, urls: [...server.urls] })),
      iceTransportPolicy: this.#options.iceTransportPolicy,
      bundlePolicy: "max-bundle",
    };
  }
}
