/**
 * The shape every protocol core has: time and bytes in; bytes, events and a deadline out.
 *
 * @module
 */
export { AssertionError, assert } from "./assert.ts";
export type { AskId, Core, Environment, Millis, WallClockMillis } from "./core.ts";
export { InvalidStateError, ProtocolError, RequestError } from "./errors.ts";
export { type LogFields, type Logger, SILENT_LOGGER } from "./logger.ts";
export { Queue } from "./queue.ts";
export { type RandomSource, randomBytes, randomUint32, randomUnit } from "./random.ts";
export { TimerTable } from "./timer-table.ts";
export { TimerWheel, type WheelEntry } from "./timer-wheel.ts";
