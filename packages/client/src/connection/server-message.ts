import type { Envelope, ServerMessage } from "@naru/signaling/protocol";

type Check = (value: unknown) => boolean;

const isString: Check = (value) => typeof value === "string";
const isBoolean: Check = (value) => typeof value === "boolean";
const isNumber: Check = (value) => Number.isSafeInteger(value);
const isArray: Check = (value) => Array.isArray(value);
const isOptionalNumber: Check = (value) => value === undefined || (isNumber(value) && Number(value) >= 0);

const isRoom: Check = shape({
  name: isString,
  locked: isBoolean,
  lobby: isBoolean,
  maxParticipants: isNumber,
});
const isParticipant: Check = shape({
  id: isString,
  name: isString,
  role: isString,
  presence: isString,
  state: isRecord,
  joinOrder: isNumber,
});
const isSignal: Check = (value) => isRecord(value) && isString(value["kind"]);

/** What each message must have for the client to use it. A type that is not here is not understood, and ignored. */
const SHAPES: Readonly<Record<ServerMessage["type"], Check>> = {
  joined: shape({
    self: isString,
    session: isString,
    room: isRoom,
    participants: arrayOf(isParticipant),
    knocking: arrayOf(shape({ id: isString, name: isString })),
    iceServers: isArray,
    resumed: isBoolean,
    received: isNumber,
  }),
  lobby: shape({ room: isString }),
  knocking: shape({ knocking: arrayOf(shape({ id: isString, name: isString })) }),
  participantJoined: shape({ participant: isParticipant }),
  participantLeft: shape({ id: isString, reason: isString }),
  participantChanged: shape({ participant: isParticipant }),
  roomChanged: shape({ room: isRoom }),
  signal: shape({ from: isString, fromSeq: isOptionalNumber, signal: isSignal }),
  muteRequest: shape({ from: isString, kind: isString }),
  iceServers: shape({ iceServers: isArray }),
  error: shape({ code: isString, message: isString, fatal: isBoolean }),
  pong: isRecord,
  ack: isRecord,
};

/** A message with its envelope. */
export type ReceivedMessage = ServerMessage & Envelope;

/**
 * Reads one message of the server, whatever its length: the server is trusted, and a numbered message that is not
 * counted is missing for ever.
 *
 * @returns `"unknown"` for what cannot be used, a type this version does not know or a known one of another shape:
 *   its envelope is still counted. Undefined for what is no message at all.
 */
export function parseServerMessage(
  text: string,
): ReceivedMessage | (Envelope & { type: "unknown" }) | undefined {
  const value = parseJson(text);
  if (!isEnvelope(value)) return undefined;
  if (isReceivedMessage(value)) return value;
  return {
    type: "unknown",
    ...(value.seq === undefined ? {} : { seq: value.seq }),
    ...(value.ack === undefined ? {} : { ack: value.ack }),
  };
}

/** Parses JSON; undefined when it is none. */
export function parseJson(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    // What is not JSON is no message: the caller drops it.
    return undefined;
  }
}

/** Whether `value` is an object with named fields. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isEnvelope(value: unknown): value is Envelope & { readonly type: string } {
  return (
    isRecord(value) &&
    isString(value["type"]) &&
    isOptionalNumber(value["seq"]) &&
    isOptionalNumber(value["ack"])
  );
}

function isReceivedMessage(value: Envelope & { readonly type: string }): value is ReceivedMessage {
  const check: unknown = Object.hasOwn(SHAPES, value.type) ? Reflect.get(SHAPES, value.type) : undefined;
  return typeof check === "function" && check(value) === true;
}

function shape(fields: Readonly<Record<string, Check>>): Check {
  return (value) =>
    isRecord(value) && Object.entries(fields).every(([name, check]) => check(Reflect.get(value, name)));
}

function arrayOf(check: Check): Check {
  return (value) => Array.isArray(value) && value.every(check);
}
