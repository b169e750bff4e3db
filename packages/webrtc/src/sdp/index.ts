/**
 * Session descriptions (RFC 8866) and their attributes: parse and serialize, nothing else.
 *
 * @module
 */
export type { SdpAttribute } from "./attribute/attribute.ts";
export {
  FINGERPRINT_ATTRIBUTE,
  type SdpFingerprint,
  type SdpSetup,
  SETUP,
  TLS_ID,
} from "./attribute/dtls.ts";
export {
  CANDIDATE,
  END_OF_CANDIDATES,
  ICE_LITE,
  ICE_OPTIONS,
  ICE_PWD,
  ICE_UFRAG,
  type SdpCandidate,
  type SdpCandidateType,
  type SdpTcpType,
} from "./attribute/ice.ts";
export {
  BUNDLE_ONLY,
  DIRECTIONS,
  EXTMAP,
  EXTMAP_ALLOW_MIXED,
  FMTP,
  GROUP,
  MAX_MESSAGE_SIZE,
  MAXPTIME,
  MID,
  MSID,
  PTIME,
  RTCP,
  RTCP_FB,
  RTCP_MUX,
  RTCP_MUX_ONLY,
  RTCP_RSIZE,
  RTPMAP,
  SCTP_PORT,
  type SdpDirection,
  type SdpExtmap,
  type SdpFmtp,
  type SdpGroup,
  type SdpMsid,
  type SdpRtcpFeedback,
  type SdpRtpmap,
  type SdpSsrc,
  type SdpSsrcGroup,
  SSRC,
  SSRC_GROUP,
} from "./attribute/media.ts";
export {
  RID,
  type SdpRid,
  type SdpSimulcast,
  type SdpSimulcastAlternative,
  type SdpSimulcastStream,
  SIMULCAST,
} from "./attribute/simulcast.ts";
export { SdpError, type SdpErrorCode, type SdpFailure } from "./errors.ts";
export { DEFAULT_SDP_LIMITS, parseSdp, type SdpLimits, safeParseSdp } from "./parse.ts";
export {
  type SdpAttributeLine,
  type SdpMedia,
  SdpMediaSection,
  type SdpOrigin,
  SdpSection,
  SessionDescription,
} from "./section.ts";
export { serializeSdp } from "./serialize.ts";
