import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import {
  type ConnectionReport,
  createFileStore,
  createSignalingServer,
  type IceServersContext,
  type SignalingLimits,
  type SignalingServer,
} from "@naru/signaling";
import type { IceServer } from "@naru/signaling/protocol";
import type { Logger } from "@naru/webrtc/sansio";
import type { NaruConfig } from "../config/schema.ts";
import { requestSource } from "../http/client-request.ts";
import type { DataDirectory } from "../life/data-directory.ts";
import { StartError } from "../life/start-error.ts";
import { AddressSet } from "../network/address-range.ts";
import { PARTICIPANT_CREDENTIAL_MS } from "../turn/turn-credentials.ts";

/** File in the data folder that carries the rooms over a restart. */
const ROOMS_FILE = "rooms.json";

/** File in the data folder with the secret that makes TURN credentials, unless one is configured. */
export const TURN_SECRET_FILE = "turn.secret";

/** File in the data folder with the secret that signs tokens, unless one is configured. */
export const AUTH_SECRET_FILE = "auth.secret";

/** What signaling needs to know of the rest of the server. */
export interface SignalingContext {
  readonly data: DataDirectory;
  readonly log: Logger;
  /** The STUN and TURN servers for a participant, with what it needs to use them. */
  readonly iceServers: (context: IceServersContext) => readonly IceServer[];
  /** A participant has left for good. */
  readonly onParticipantLeft: (participant: string) => void;
  readonly onReport: (report: ConnectionReport) => void;
}

/**
 * Starts the signaling server as the configuration asks for, with the rooms of last time.
 *
 * @throws {StartError} (rejects) `DATA_DIRECTORY` when the rooms of last time cannot be read.
 */
export async function startSignaling(
  config: NaruConfig,
  context: SignalingContext,
): Promise<SignalingServer> {
  const { data, log } = context;
  const trusted = new AddressSet(config.trustedProxies);
  const path = join(data.path, ROOMS_FILE);
  try {
    return await createSignalingServer({
      logger: log,
      limits: limitsOf(config),
      tokens: { secret: authSecret(config, data), isRequired: config.auth.required },
      store: createFileStore(path),
      allowedOrigins: config.allowedOrigins,
      clientAddress: (request) => requestSource(request, trusted).address,
      iceServers: context.iceServers,
      // Half-way, so that whoever has to gather anew always has one that is good for long enough.
      iceServersRefreshMs: PARTICIPANT_CREDENTIAL_MS / 2,
      onParticipantLeft: (participant) => context.onParticipantLeft(participant),
      onReport: (report) => context.onReport(report),
    });
  } catch (error) {
    if (error instanceof StartError) throw error;
    throw new StartError({
      code: "DATA_DIRECTORY",
      summary: `The rooms of last time cannot be read: ${error instanceof Error ? error.message : error}.`,
      remedy: `ls -l ${path}   # it must belong to the user that runs naru`,
      cause: error,
    });
  }
}

/** The secret that signs tokens: the configured one, or this installation's own. */
export function authSecret(config: NaruConfig, data: DataDirectory): string {
  return config.auth.secret ?? data.secret(AUTH_SECRET_FILE);
}

/**
 * A page from the public address may connect, whatever host its proxy put into the request: proxies that leave
 * the Host header alone and those that do not work the same.
 */
export function applyPublicHost(request: IncomingMessage, publicUrl: string | undefined): void {
  if (publicUrl !== undefined && request.headers.origin === publicUrl) {
    request.headers.host = new URL(publicUrl).host;
  }
}

function limitsOf({ limits }: NaruConfig): Partial<SignalingLimits> {
  return {
    maxConnections: limits.connections,
    maxConnectionsPerAddress: limits.connectionsPerAddress,
    maxRooms: limits.rooms,
    maxParticipants: limits.participants,
    maxParticipantsPerRoom: limits.participantsPerRoom,
    // Joining a room brings a burst, as does an office behind one address in the morning; ten seconds' worth, and
    // a hundred seconds' worth.
    messages: { perSecond: limits.messagesPerSecond, burst: limits.messagesPerSecond * 10 },
    attempts: { perSecond: limits.joinsPerMinute / 60, burst: Math.ceil((limits.joinsPerMinute * 5) / 3) },
  };
}
