import type { ModerateAction, ParticipantRole } from "../protocol/index.ts";

/** Who may do what. Moderation is a host's right, whole; a table keeps it in one place when roles multiply. */
const ALLOWED: Readonly<Record<ModerateAction["action"], readonly ParticipantRole[]>> = {
  lock: ["host"],
  lobby: ["host"],
  admit: ["host"],
  deny: ["host"],
  mute: ["host"],
  remove: ["host"],
  role: ["host"],
};

/** Whether somebody with `role` may do `action`. */
export function mayModerate(role: ParticipantRole, action: ModerateAction["action"]): boolean {
  return ALLOWED[action].includes(role);
}
