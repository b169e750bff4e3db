import { isOwnComputer } from "../preferences.ts";
import { roomPath } from "./room-name.ts";

/** A link to a room, for somebody else. */
export interface Invitation {
  readonly url: string;
  /** It opens on this computer only. */
  readonly localOnly: boolean;
}

/**
 * The link to a room.
 *
 * @param page - Address of the page that invites.
 * @param networkUrl - Where other machines reach the server, if it said so.
 */
export function invitationTo(room: string, page: URL, networkUrl: string | undefined): Invitation {
  const isLocal = isOwnComputer(page.hostname);
  const base = isLocal && networkUrl !== undefined ? networkUrl : page.origin;
  return { url: new URL(roomPath(room), base).href, localOnly: isLocal && networkUrl === undefined };
}
