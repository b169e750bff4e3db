/**
 * Memory of the packet path, and the loops over its bytes.
 *
 * @module
 */
export { crc32c, finishCrc32c, startCrc32c, updateCrc32c } from "./crc32c.ts";
export { DEFAULT_SLOT_BYTES, PacketArena, type PacketSlot } from "./packet-arena.ts";
