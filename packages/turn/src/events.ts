import type { SocketId, TransportAddress } from "@naru/webrtc/bytes";
import { type AskId, assert, type Millis, Queue } from "@naru/webrtc/sansio";

/** What only the outside can do: an ask is answered by its id, the rest is done and not answered. */
export type TurnServerEvent =
  /** Bind a UDP socket, or listen for TCP connections; answered by `handleRelayBound` or `handleRelayFailed`. */
  | {
      readonly type: "bindRelay";
      readonly id: AskId;
      readonly transport: "udp" | "tcp";
      readonly address: TransportAddress;
    }
  /** Close a socket or listener that was bound so. */
  | { readonly type: "closeRelay"; readonly socket: SocketId }
  /** Connect to a peer and leave the stream paused; answered by `handlePeerConnected` or `handlePeerFailed`. */
  | {
      readonly type: "connectPeer";
      readonly id: AskId;
      readonly from: TransportAddress;
      readonly to: TransportAddress;
      readonly timeoutMs: Millis;
    }
  /** From now on pass all bytes between the two, without reading them, until one ends (RFC 6062 §5.4). */
  | {
      readonly type: "joinStreams";
      readonly client: SocketId;
      readonly peer: SocketId;
      /** What the client sent already, for the peer. Given away. */
      readonly early: Uint8Array;
    }
  /** Close a stream, after what waits in it. */
  | { readonly type: "closeStream"; readonly stream: SocketId };

/** Between two drains; each follows from something limited, so that this many never wait. */
const MAX_EVENTS = 65_536;

/** The events of all parts of the server, in order. */
export class EventQueue {
  readonly #events = new Queue<TurnServerEvent>(MAX_EVENTS);

  push(event: TurnServerEvent): void {
    assert(this.#events.push(event), "the TURN server has room for its events");
  }

  shift(): TurnServerEvent | undefined {
    return this.#events.shift();
  }
}
