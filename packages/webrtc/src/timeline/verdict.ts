import type { TimelinePhase, TimelineSnapshot, Verdict, VerdictCode } from "./timeline.ts";

/** What the timeline alone does not tell. */
export interface VerdictHints {
  /** The phase that failed, where the caller knows; else the first one that is not done. */
  readonly phase?: TimelinePhase | undefined;
  /** The signaling connection was down while the descriptions were due. */
  readonly signalingLost?: boolean | undefined;
  /** A description was refused; what the implementation said. */
  readonly descriptionRefused?: string | undefined;
  /** What the DTLS implementation said (`RTCError.errorDetail`, or its message). */
  readonly dtlsError?: string | undefined;
  /** Whether TURN servers were configured; undefined when that is not known. */
  readonly relayConfigured?: boolean | undefined;
  /** The other side gave up; its reason. */
  readonly peerReason?: string | undefined;
}

/** Phase and words of every code. */
const VERDICTS: Readonly<Record<VerdictCode, Omit<Verdict, "code">>> = {
  EXCHANGE_NO_OFFER: {
    phase: "exchange",
    message: "The other side did not make an offer in time.",
    action: "Ask the other person to reload the page; if it stays so, their browser may not support WebRTC.",
  },
  EXCHANGE_NO_ANSWER: {
    phase: "exchange",
    message: "The offer was sent, but the other side did not answer it in time.",
    action:
      "Ask the other person to reload the page; their page may be asleep or may have lost its connection.",
  },
  EXCHANGE_SIGNALING_LOST: {
    phase: "exchange",
    message: "The connection to the server broke before both sides had exchanged their descriptions.",
    action: "Check your own connection to the server; the exchange goes on as soon as it is back.",
  },
  EXCHANGE_DESCRIPTION_REFUSED: {
    phase: "exchange",
    message: "The browser refused the other side's description.",
    action: "Update both browsers; copy the report if it happens again.",
  },
  PATH_NO_CANDIDATES: {
    phase: "path",
    message: "This device found no network address of its own to be reached at.",
    action: "Check that the device is online and that no extension or policy switches WebRTC off.",
  },
  PATH_NO_REMOTE_CANDIDATES: {
    phase: "path",
    message: "The other side named no address at which it can be reached.",
    action: "Ask the other person to check their network, and extensions or policies that switch WebRTC off.",
  },
  PATH_UDP_BLOCKED: {
    phase: "path",
    message: "No STUN server answered over UDP: a firewall between this device and the server blocks UDP.",
    action: "Allow UDP to the server's media port, or have the operator offer TURN over TCP or TLS.",
  },
  PATH_RELAY_UNREACHABLE: {
    phase: "path",
    message: "No direct path worked, and the TURN server could not be reached.",
    action: "Allow UDP and TCP to the server's TURN port; the operator can check it from outside.",
  },
  PATH_RELAY_REFUSED: {
    phase: "path",
    message: "No direct path worked, and the TURN server refused to relay.",
    action: "Reload the page for fresh credentials; the operator finds the reason in the TURN server's log.",
  },
  PATH_NO_RELAY: {
    phase: "path",
    message: "No direct path between the two networks worked, and there is no TURN server to relay.",
    action: "Try another network on either side, or have the operator offer a TURN server.",
  },
  PATH_NO_PAIR: {
    phase: "path",
    message: "Both sides named their addresses, but no pair of them could exchange packets.",
    action: "Allow UDP on both sides, or have the operator offer a TURN server both sides can reach.",
  },
  PATH_LOST: {
    phase: "path",
    message: "The path worked and then broke, and could not be repaired.",
    action: "Check the network of both devices; the connection is tried again when the network changes.",
  },
  SECURITY_FINGERPRINT_MISMATCH: {
    phase: "security",
    message: "The other side's certificate is not the one that its description announced.",
    action: "Do not go on: somebody between you may be changing messages. Check the server you are using.",
  },
  SECURITY_HANDSHAKE_TIMEOUT: {
    phase: "security",
    message: "A path was found, but the DTLS handshake over it did not end in time.",
    action: "Try another network: something on the path lets small packets through and drops larger ones.",
  },
  SECURITY_HANDSHAKE_FAILED: {
    phase: "security",
    message: "The DTLS handshake failed: the two sides agree on no version, cipher or certificate.",
    action: "Update both browsers; copy the report if it happens again.",
  },
  MEDIA_NO_DATA_CHANNEL: {
    phase: "media",
    message: "The connection is secure, but its data channel did not open.",
    action: "Reload the page on both sides; calls may work, chat and files do not.",
  },
  MEDIA_NONE_RECEIVED: {
    phase: "media",
    message: "The other side sends audio or video, but no packet of it arrived.",
    action: "Ask the other person to switch microphone or camera off and on again.",
  },
  MEDIA_NOT_DECODED: {
    phase: "media",
    message: "Audio or video arrives, but this browser could not decode any of it.",
    action: "Update the browser; a missing or blocked codec is the likely cause.",
  },
  PEER_GAVE_UP: {
    phase: "exchange",
    message: "The other side gave the connection up.",
    action: "Look at the other side's report: it holds the reason.",
  },
};

/** The words of a code. */
export function verdictOf(code: VerdictCode): Verdict {
  return { code, ...VERDICTS[code] };
}

/** Every code there is, for documentation and translations. */
export const VERDICT_CODES: readonly VerdictCode[] = [
  "EXCHANGE_NO_OFFER",
  "EXCHANGE_NO_ANSWER",
  "EXCHANGE_SIGNALING_LOST",
  "EXCHANGE_DESCRIPTION_REFUSED",
  "PATH_NO_CANDIDATES",
  "PATH_NO_REMOTE_CANDIDATES",
  "PATH_UDP_BLOCKED",
  "PATH_RELAY_UNREACHABLE",
  "PATH_RELAY_REFUSED",
  "PATH_NO_RELAY",
  "PATH_NO_PAIR",
  "PATH_LOST",
  "SECURITY_FINGERPRINT_MISMATCH",
  "SECURITY_HANDSHAKE_TIMEOUT",
  "SECURITY_HANDSHAKE_FAILED",
  "MEDIA_NO_DATA_CHANNEL",
  "MEDIA_NONE_RECEIVED",
  "MEDIA_NOT_DECODED",
  "PEER_GAVE_UP",
];

/**
 * Says why a connection does not work, from what its timeline recorded. Ask when it does not: the function does not
 * judge whether enough time has passed. Of a connection in which nothing is missing it says `PATH_LOST`.
 */
export function judge(timeline: TimelineSnapshot, hints: VerdictHints = {}): Verdict {
  const phase = hints.phase ?? firstOpenPhase(timeline);
  const own = judgePhase(phase, timeline, hints);
  const { peerReason } = hints;
  // What both sides found is said in full.
  if (peerReason === undefined || phase === "security" || own.code === peerReason) return own;
  return peerGaveUp(peerReason);
}

function judgePhase(
  phase: TimelinePhase | undefined,
  timeline: TimelineSnapshot,
  hints: VerdictHints,
): Verdict {
  switch (phase) {
    case "exchange":
      return judgeExchange(timeline, hints);
    case "path":
      return judgePath(timeline, hints);
    case "security":
      return judgeSecurity(hints);
    case "media":
      return judgeMedia(timeline);
    default:
      return verdictOf("PATH_LOST");
  }
}

function firstOpenPhase(timeline: TimelineSnapshot): TimelinePhase | undefined {
  if (timeline.exchange.state !== "done") return "exchange";
  if (timeline.path.state !== "done") return "path";
  if (timeline.security.state !== "done") return "security";
  return timeline.media.state === "done" ? undefined : "media";
}

function peerGaveUp(reason: string): Verdict {
  const verdict = verdictOf("PEER_GAVE_UP");
  // The reason is a code of ours or words of another client: short, and never more than a line.
  const words = reason.replace(/[^\x20-\x7e]/g, " ").slice(0, 80);
  return { ...verdict, message: `${verdict.message.slice(0, -1)}: ${words}.` };
}

function judgeExchange({ exchange }: TimelineSnapshot, hints: VerdictHints): Verdict {
  if (hints.descriptionRefused !== undefined) return verdictOf("EXCHANGE_DESCRIPTION_REFUSED");
  if (hints.signalingLost === true) return verdictOf("EXCHANGE_SIGNALING_LOST");
  return verdictOf(exchange.offersSent > 0 ? "EXCHANGE_NO_ANSWER" : "EXCHANGE_NO_OFFER");
}

function judgePath({ path, security }: TimelineSnapshot, hints: VerdictHints): Verdict {
  // Once there was a handshake there was a path: whatever is wrong now was not wrong then.
  if (security.state === "done") return verdictOf("PATH_LOST");
  const { localCandidates: local, remoteCandidates: remote } = path;
  if (local.host + local.srflx + local.prflx + local.relay === 0) return verdictOf("PATH_NO_CANDIDATES");
  if (remote.host + remote.srflx + remote.prflx + remote.relay === 0) {
    return verdictOf("PATH_NO_REMOTE_CANDIDATES");
  }
  if (local.relay > 0) return verdictOf("PATH_NO_PAIR");
  const unreachable = path.serverErrors.filter((error) => error.code === UNREACHABLE);
  if (path.serverErrors.some((error) => isTurn(error.url) && error.code !== UNREACHABLE)) {
    return verdictOf("PATH_RELAY_REFUSED");
  }
  if (local.srflx === 0 && unreachable.some((error) => !isTcp(error.url))) {
    return verdictOf("PATH_UDP_BLOCKED");
  }
  if (hints.relayConfigured === true) return verdictOf("PATH_RELAY_UNREACHABLE");
  const isRelayKnownAbsent = hints.relayConfigured === false && remote.relay === 0;
  return verdictOf(isRelayKnownAbsent ? "PATH_NO_RELAY" : "PATH_NO_PAIR");
}

/** webrtc-pc §4.8.2: "no STUN or TURN server could be reached". */
const UNREACHABLE = 701;

function isTurn(url: string): boolean {
  return /^turns?:/.test(url);
}

function isTcp(url: string): boolean {
  return url.startsWith("turns:") || /[?&]transport=tcp\b/.test(url);
}

function judgeSecurity({ dtlsError }: VerdictHints): Verdict {
  if (dtlsError === undefined) return verdictOf("SECURITY_HANDSHAKE_TIMEOUT");
  // webrtc-pc §4.11.1: RTCErrorDetailType has "fingerprint-failure" and "dtls-failure".
  return verdictOf(
    /fingerprint/i.test(dtlsError) ? "SECURITY_FINGERPRINT_MISMATCH" : "SECURITY_HANDSHAKE_FAILED",
  );
}

function judgeMedia({ media }: TimelineSnapshot): Verdict {
  if (media.dataOpenAtMs === undefined) return verdictOf("MEDIA_NO_DATA_CHANNEL");
  return verdictOf(media.firstPacketAtMs === undefined ? "MEDIA_NONE_RECEIVED" : "MEDIA_NOT_DECODED");
}
