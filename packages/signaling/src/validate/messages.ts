import { z } from "zod";
import type {
  CandidateInit,
  Envelope,
  JoinMessage,
  LeaveMessage,
  ModerateMessage,
  ParticipantState,
  PeerSignal,
  PingMessage,
  ReportMessage,
  ResumeMessage,
  SignalingErrorCode,
  SignalToMessage,
  StateMessage,
} from "../protocol/index.ts";
import type { IncomingMessage } from "../room/registry.ts";
import { MAX_SEQ } from "../room/session.ts";
import { isDeeperThan, MAX_JSON_DEPTH } from "./json.ts";
import { parseName } from "./names.ts";

/** Longest session description: a browser with many codecs and a dozen tracks stays far below. */
export const MAX_SDP_LENGTH: number = 128 * 1024;
/** Longest candidate line; TURN over TLS with long host names stays below. */
const MAX_CANDIDATE_LENGTH = 1_024;
/** Media streams a participant may name. */
export const MAX_STREAMS = 16;
/** Visible ASCII: browsers make UUIDs, RFC 8830 §2 allows less. Anything else could grow sixfold as JSON. */
const STREAM_ID = /^[\x21-\x7e]{1,128}$/;
const MAX_TOKEN_LENGTH = 8_192;
const MAX_ID_LENGTH = 64;
const MAX_TEXT_LENGTH = 1_024;

const id = z.string().min(1).max(MAX_ID_LENGTH);
const count = z.int().min(0).max(MAX_SEQ);

const envelope = {
  seq: z.int().min(1).max(MAX_SEQ).exactOptional(),
  ack: count.exactOptional(),
};

// Stream ids come from browsers, and from whoever else: the object has no prototype, so `__proto__` is an id
// like any other.
const streams = z.unknown().transform((value, context): Record<string, "camera" | "screen"> => {
  const result: Record<string, "camera" | "screen"> = Object.create(null);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    context.addIssue("expected an object of stream ids");
    return z.NEVER;
  }
  const entries = Object.entries(value);
  if (entries.length > MAX_STREAMS) {
    context.addIssue(`expected at most ${MAX_STREAMS} streams`);
    return z.NEVER;
  }
  for (const [stream, kind] of entries) {
    if (!STREAM_ID.test(stream) || (kind !== "camera" && kind !== "screen")) {
      context.addIssue("expected stream ids of 1 to 128 visible ASCII characters, each camera or screen");
      return z.NEVER;
    }
    result[stream] = kind;
  }
  return result;
});

/** Shape of {@link ParticipantState}. */
export const participantState: z.ZodType<ParticipantState> = z.object({
  audio: z.boolean().exactOptional(),
  video: z.boolean().exactOptional(),
  screen: z.boolean().exactOptional(),
  hand: z.boolean().exactOptional(),
  streams: streams.exactOptional(),
}) satisfies z.ZodType<ParticipantState>;

const candidate = z.object({
  candidate: z.string().max(MAX_CANDIDATE_LENGTH),
  sdpMid: z.string().max(MAX_ID_LENGTH).nullable().exactOptional(),
  sdpMLineIndex: z.int().min(0).max(0xffff).nullable().exactOptional(),
  // RFC 8839 §5.4: an ice-ufrag has at most 256 characters.
  usernameFragment: z.string().max(256).nullable().exactOptional(),
}) satisfies z.ZodType<CandidateInit>;

const signal = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("description"),
    description: z.object({ type: z.string().max(16), sdp: z.string().max(MAX_SDP_LENGTH) }),
  }),
  z.object({ kind: z.literal("candidate"), candidate: candidate.nullable() }),
  z.object({ kind: z.literal("reset"), reason: z.string().max(MAX_TEXT_LENGTH) }),
]) satisfies z.ZodType<PeerSignal>;

const join = z.object({
  ...envelope,
  type: z.literal("join"),
  version: z.number(),
  room: z.string(),
  name: z.string(),
  token: z.string().max(MAX_TOKEN_LENGTH).exactOptional(),
  state: participantState.exactOptional(),
}) satisfies z.ZodType<JoinMessage & Envelope>;

const resume = z.object({
  ...envelope,
  type: z.literal("resume"),
  version: z.number(),
  session: z.string().max(256),
  received: count,
}) satisfies z.ZodType<ResumeMessage & Envelope>;

const leave = z.object({ ...envelope, type: z.literal("leave") }) satisfies z.ZodType<
  LeaveMessage & Envelope
>;

const signalTo = z.object({
  ...envelope,
  type: z.literal("signal"),
  to: id,
  signal,
}) satisfies z.ZodType<SignalToMessage & Envelope>;

const state = z.object({
  ...envelope,
  type: z.literal("state"),
  state: participantState,
}) satisfies z.ZodType<StateMessage & Envelope>;

const report = z.object({
  ...envelope,
  type: z.literal("report"),
  peer: id,
  phase: z.enum(["exchange", "path", "security", "media"]),
  outcome: z.enum(["connected", "failed", "recovered"]),
  code: z
    .string()
    .regex(/^[A-Z][A-Z0-9_]{0,63}$/)
    .exactOptional(),
  message: z.string().max(MAX_TEXT_LENGTH).exactOptional(),
  durationMs: z.number().min(0).max(86_400_000).exactOptional(),
}) satisfies z.ZodType<ReportMessage & Envelope>;

const moderateHead = { ...envelope, type: z.literal("moderate") };

const moderate = z.discriminatedUnion("action", [
  z.object({ ...moderateHead, action: z.literal("lock"), locked: z.boolean() }),
  z.object({ ...moderateHead, action: z.literal("lobby"), enabled: z.boolean() }),
  z.object({ ...moderateHead, action: z.literal("admit"), target: id }),
  z.object({ ...moderateHead, action: z.literal("deny"), target: id }),
  z.object({ ...moderateHead, action: z.literal("mute"), target: id, kind: z.enum(["audio", "video"]) }),
  z.object({ ...moderateHead, action: z.literal("remove"), target: id }),
  z.object({ ...moderateHead, action: z.literal("role"), target: id, role: z.enum(["host", "guest"]) }),
]) satisfies z.ZodType<ModerateMessage & Envelope>;

const ping = z.object({ ...envelope, type: z.literal("ping") }) satisfies z.ZodType<PingMessage & Envelope>;
const ack = z.object({ ...envelope, type: z.literal("ack") });

/** By type; the set of types is the version's. */
const MESSAGES: ReadonlyMap<string, z.ZodType<IncomingMessage>> = new Map<string, z.ZodType<IncomingMessage>>(
  [
    ["join", join],
    ["resume", resume],
    ["leave", leave],
    ["signal", signalTo],
    ["state", state],
    ["report", report],
    ["moderate", moderate],
    ["ping", ping],
    ["ack", ack],
  ],
);

const unknownMessage = z.object({ ...envelope, type: z.string() });

/** A message, or why it is none. */
export type ParsedMessage =
  | { readonly isValid: true; readonly message: IncomingMessage }
  | { readonly isValid: false; readonly code: SignalingErrorCode; readonly problem: string };

/**
 * Reads one message of a client. Never throws; unknown fields are dropped, unknown types come back as `unknown`.
 *
 * @param text - At most `MAX_MESSAGE_BYTES` long, which the caller has seen to.
 */
export function parseClientMessage(text: string): ParsedMessage {
  if (isDeeperThan(text, MAX_JSON_DEPTH)) return bad(`expected at most ${MAX_JSON_DEPTH} levels of nesting`);
  const value = parseJson(text);
  const head = unknownMessage.safeParse(value);
  if (!head.success) return bad(`expected a JSON object with a type, ${describe(head.error)}`);
  const schema = MESSAGES.get(head.data.type);
  if (schema === undefined) {
    return { isValid: true, message: { ...head.data, type: "unknown" } };
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) return bad(`${head.data.type}: ${describe(parsed.error)}`);
  return parsed.data.type === "join" ? withNames(parsed.data) : { isValid: true, message: parsed.data };
}

function withNames(message: JoinMessage & Envelope): ParsedMessage {
  const room = parseName(message.room);
  const name = parseName(message.name);
  if (room !== undefined && name !== undefined) return { isValid: true, message: { ...message, room, name } };
  const which = room === undefined ? "room name" : "name";
  const problem = `expected a ${which} of 1 to 64 visible characters without control characters`;
  return { isValid: false, code: "NAME_INVALID", problem };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON: the caller's check for an object says so.
    return undefined;
  }
}

function bad(problem: string): ParsedMessage {
  return { isValid: false, code: "BAD_MESSAGE", problem };
}

/** Where and what, without repeating what the client sent. */
function describe(error: z.ZodError): string {
  const issue = error.issues[0];
  if (issue === undefined) return "it is not valid";
  const path = issue.path.map(String).join(".").slice(0, 100);
  return path === "" ? issue.message.slice(0, 200) : `${path}: ${issue.message.slice(0, 200)}`;
}
