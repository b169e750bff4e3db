import type { Messages } from "../i18n/index.ts";

/** Why a connection was repaired, as the dictionaries name it. */
export type RepairReason = keyof Messages["inspector"]["repairReason"];

/** The SDK gives its reasons in English; these are all it has. */
const REASONS: Readonly<Record<string, RepairReason>> = {
  "tried again by hand": "byHand",
  "the DTLS handshake failed": "handshakeFailed",
  "a description was refused": "descriptionRefused",
  "the relay may be gone": "relayGone",
  "the network changed": "networkChanged",
  "the connection was not up in time": "tooLate",
  "the path was lost": "pathLost",
  "the peer connection was closed": "closed",
  "the ICE restart did not help": "restartInVain",
  "the other side started over": "otherSide",
};

/** The name of a reason of the SDK; undefined for one that this page does not know. */
export function repairReason(reason: string): RepairReason | undefined {
  return Object.hasOwn(REASONS, reason) ? REASONS[reason] : undefined;
}
