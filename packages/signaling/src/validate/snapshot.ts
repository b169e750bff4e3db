import { z } from "zod";
import type { RegistrySnapshot } from "../room/registry-types.ts";
import { MAX_REMOVED, type RoomSnapshot } from "../room/room.ts";
import { participantState } from "./messages.ts";

const count = z.int().min(0);
const hash = z.string().regex(/^[0-9a-f]{64}$/);
const id = z.string().regex(/^[0-9a-f]{16}$/);

const session = z.object({
  secretHash: hash,
  received: count,
  sent: count,
  log: z.array(z.object({ seq: count, body: z.string().startsWith("{"), from: id.exactOptional() })),
});

const participant = z.object({
  id,
  name: z.string(),
  role: z.enum(["host", "guest"]),
  joinOrder: z.int().min(1),
  state: participantState,
  mayInherit: z.boolean(),
  subject: z.string().exactOptional(),
  session,
});

const room = z.object({
  name: z.string(),
  locked: z.boolean(),
  lobby: z.boolean(),
  nextJoinOrder: z.int().min(1),
  participants: z.array(participant),
  removed: z.array(z.object({ id, secretHash: hash, subject: z.string().exactOptional() })).max(MAX_REMOVED),
}) satisfies z.ZodType<RoomSnapshot>;

const snapshot = z.object({ version: z.literal(1), rooms: z.array(z.unknown()) });

/** What of a saved state can be used. */
export interface ParsedSnapshot {
  readonly snapshot: RegistrySnapshot;
  /** What is wrong with each room that was left out. */
  readonly problems: readonly string[];
}

/**
 * Reads what a store gave back, room by room: one that cannot be used costs no other.
 *
 * @throws {TypeError} when it is not a snapshot of this version: a file of something else, or damaged.
 */
export function parseSnapshot(value: unknown): ParsedSnapshot {
  const parsed = snapshot.safeParse(value);
  if (!parsed.success) {
    throw new TypeError(`expected a snapshot of rooms of version 1, found ${describe(parsed.error)}`);
  }
  const rooms: RoomSnapshot[] = [];
  const problems: string[] = [];
  for (const [index, saved] of parsed.data.rooms.entries()) {
    const result = room.safeParse(saved);
    if (result.success) rooms.push(result.data);
    else problems.push(`rooms.${index}.${describe(result.error)}`);
  }
  return { snapshot: { version: 1, rooms }, problems };
}

function describe(error: z.ZodError): string {
  const issue = error.issues[0];
  return `${issue?.path.map(String).join(".")}: ${issue?.message}`;
}
