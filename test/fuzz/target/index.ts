/** Every fuzz target by name. A parser or a core that the network can reach has one. */
import type { FuzzTarget } from "../harness.ts";

/** Loads a target when it is asked for. */
export const TARGETS: Readonly<Record<string, () => Promise<{ readonly target: FuzzTarget }>>> = {
  "ice-agent": () => import("./ice-agent.ts"),
  "ice-candidate": () => import("./ice-candidate.ts"),
  dcep: () => import("./dcep.ts"),
  "dtls-client": () => import("./dtls-client.ts"),
  "dtls-established": () => import("./dtls-established.ts"),
  "dtls-server": () => import("./dtls-server.ts"),
  "ip-address": () => import("./ip-address.ts"),
  sdp: () => import("./sdp.ts"),
  "sctp-established": () => import("./sctp-established.ts"),
  "sctp-handshake": () => import("./sctp-handshake.ts"),
  "server-message": () => import("./server-message.ts"),
  "signaling-message": () => import("./signaling-message.ts"),
  "signaling-rooms": () => import("./signaling-rooms.ts"),
  stun: () => import("./stun.ts"),
  "stun-client": () => import("./stun-client.ts"),
  "stun-server": () => import("./stun-server.ts"),
  "stun-url": () => import("./stun-url.ts"),
  "turn-client": () => import("./turn-client.ts"),
  "turn-server": () => import("./turn-server.ts"),
};
