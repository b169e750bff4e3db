/**
 * STUN (RFC 8489): messages, attributes, credentials, the client's transactions, the Binding server.
 *
 * @module
 */
export {
  AnswerLimiter,
  type AnswerLimiterOptions,
  DEFAULT_ANSWER_LIMITER_OPTIONS,
} from "./answer-limiter.ts";
export {
  ALTERNATE_SERVER,
  MAPPED_ADDRESS,
  OTHER_ADDRESS,
  RESPONSE_ORIGIN,
  XOR_MAPPED_ADDRESS,
  XOR_PEER_ADDRESS,
  XOR_RELAYED_ADDRESS,
} from "./attribute/address.ts";
export {
  attributeValue,
  FIRST_COMPREHENSION_OPTIONAL,
  type StunAttribute,
  type StunAttributeValue,
} from "./attribute/attribute.ts";
export { CHANGE_REQUEST, type ChangeRequestValue } from "./attribute/change-request.ts";
export { CHANNEL_NUMBER, RESPONSE_PORT } from "./attribute/channel-number.ts";
export { ERROR_CODE, type StunErrorValue } from "./attribute/error-code.ts";
export { DONT_FRAGMENT, USE_CANDIDATE } from "./attribute/flag.ts";
export {
  CONNECTION_ID,
  ICE_CONTROLLED,
  ICE_CONTROLLING,
  LIFETIME,
  NOMINATION,
  PRIORITY,
} from "./attribute/integer.ts";
export { DATA, PADDING, RESERVATION_TOKEN, USERHASH } from "./attribute/opaque.ts";
export {
  PASSWORD_ALGORITHM,
  PASSWORD_ALGORITHMS,
  PasswordAlgorithm,
  type PasswordAlgorithmValue,
} from "./attribute/password-algorithm.ts";
export {
  ADDITIONAL_ADDRESS_FAMILY,
  ADDRESS_ERROR_CODE,
  type AddressErrorValue,
  EVEN_PORT,
  ICMP,
  type IcmpValue,
  REQUESTED_ADDRESS_FAMILY,
  REQUESTED_TRANSPORT,
} from "./attribute/relay.ts";
export { ALTERNATE_DOMAIN, NONCE, REALM, SOFTWARE, USERNAME } from "./attribute/text.ts";
export { UNKNOWN_ATTRIBUTES } from "./attribute/unknown-attributes.ts";
export { NO_AUTHENTICATION, ShortTermAuthenticator, type StunAuthenticator } from "./authenticator.ts";
export { StunBindingServer, type StunServerCounters } from "./binding-server.ts";
export {
  StunClient,
  type StunClientCounters,
  type StunClientEvent,
  type StunClientOptions,
  type StunRequest,
} from "./client.ts";
export {
  decodeNonceCookie,
  encodeNonceCookie,
  longTermKey,
  type NonceFeatures,
  prepareOpaqueString,
  safePrepareOpaqueString,
  shortTermKey,
  userHash,
} from "./credentials.ts";
export { StunErrorNumber } from "./error-number.ts";
export { type StunDecodeFailure, StunError, type StunErrorCode } from "./errors.ts";
export {
  looksLikeStun,
  STUN_HEADER_BYTES,
  STUN_MAGIC_COOKIE,
  TRANSACTION_ID_BYTES,
  TRANSACTION_ID_OFFSET,
} from "./header.ts";
export { type LongTermCredentials, LongTermSession } from "./long-term-session.ts";
export {
  DEFAULT_LONG_TERM_VERIFIER_OPTIONS,
  type LongTermVerdict,
  LongTermVerifier,
  type LongTermVerifierCounters,
  type LongTermVerifierOptions,
  type PasswordSource,
} from "./long-term-verifier.ts";
export {
  copyStunMessage,
  decodeStunMessage,
  type StunCheck,
  StunMessage,
  safeDecodeStunMessage,
} from "./message.ts";
export { StunMessageBuilder } from "./message-builder.ts";
export { type StunClass, StunMethod } from "./message-type.ts";
export {
  NAT_TEST_TIMING,
  type NatBehavior,
  NatBehaviorDiscovery,
  type NatBehaviorEvent,
  type NatBehaviorOptions,
  type NatBehaviorReport,
} from "./nat-behavior.ts";
export { NatLifetimeDiscovery, type NatLifetimeEvent, type NatLifetimeOptions } from "./nat-lifetime.ts";
export { MAX_STREAM_FRAME_BYTES, StreamDeframer, type StreamFrameFailure } from "./stream-deframer.ts";
export {
  DEFAULT_TRANSACTION_OPTIONS,
  type TransactionOptions,
  TransactionTimer,
} from "./transaction-timer.ts";
export { type StunDue, type StunFailureReason, type StunOutcome, StunTransactions } from "./transactions.ts";
export { type StunUrl, type StunUrlTransport, safeParseStunUrl } from "./url.ts";
