/**
 * Memory of the packet path.
 *
 * @module
 */
export { DEFAULT_SLOT_BYTES, PacketArena, type PacketSlot } from "./packet-arena.ts";
