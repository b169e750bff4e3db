import { z } from "zod";
import type { RegistrySnapshot } from "../room/registry-types.ts";
import { MAX_REMOVED } from "../room/room.ts";
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
});

const snapshot = z.object({
  version: z.literal(1),
  rooms: z.array(room),
}) satisfies z.ZodType<RegistrySnapshot>;

/**
 * Reads what a store gave back.
 *
 * @throws {TypeError} when it is not a snapshot of this version: a file of something else, or damaged.
 */
export function parseSnapshot(value: unknown): RegistrySnapshot {
  const parsed = snapshot.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new TypeError(
    `expected a snapshot of rooms of version 1, found ${issue?.path.map(String).join(".")}: ${issue?.message}`,
  );
}
