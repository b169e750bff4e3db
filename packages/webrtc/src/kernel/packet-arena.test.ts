import { expect, test } from "vitest";
import { PacketArena, type PacketSlot } from "./index.ts";

function acquire(arena: PacketArena, headroom?: number): PacketSlot {
  const slot = arena.acquire(headroom);
  if (slot === undefined) throw new Error("the arena is exhausted");
  return slot;
}

test("every slot has its own memory in one buffer", () => {
  const arena = new PacketArena(3, 64);
  const slots = [acquire(arena), acquire(arena), acquire(arena)];
  for (const slot of slots) slot.bytes.fill(slot.index + 1);
  expect(new Set(slots.map((slot) => slot.index)).size).toBe(3);
  for (const slot of slots) {
    expect(slot.bytes.length).toBe(64);
    expect(slot.bytes.every((byte) => byte === slot.index + 1)).toBe(true);
    expect(slot.bytes.buffer).toBe(arena.buffer);
  }
});

test("memory given from outside is used from the offset on", () => {
  const buffer = new ArrayBuffer(256);
  const arena = new PacketArena(2, 64, buffer, 128);
  acquire(arena).bytes.fill(0xff);
  expect(new Uint8Array(buffer).indexOf(0xff)).toBe(128);
  expect(() => new PacketArena(4, 64, buffer, 128)).toThrow(RangeError);
});

test("a slot starts empty, behind its headroom, whatever it held before", () => {
  const arena = new PacketArena(1, 64);
  const slot = acquire(arena);
  slot.start = 3;
  slot.end = 50;
  arena.release(slot);
  expect(acquire(arena, 16)).toMatchObject({ start: 16, end: 16, to: undefined });
});

test("an exhausted arena answers undefined, counts it, and recovers with the next release", () => {
  const arena = new PacketArena(1, 64);
  const slot = acquire(arena);
  expect(arena.acquire()).toBeUndefined();
  expect(arena.acquire()).toBeUndefined();
  expect(arena.exhaustedCount).toBe(2);
  arena.release(slot);
  expect(arena.inUse).toBe(0);
  expect(arena.acquire()).toBe(slot);
  expect(arena.inUse).toBe(1);
});

test("releasing twice is refused, and the slot is still handed out once only", () => {
  const arena = new PacketArena(2, 64);
  const slot = acquire(arena);
  arena.release(slot);
  expect(() => arena.release(slot)).toThrow(new RangeError("packet slot 0 was released while not in use"));
  expect(new Set([arena.acquire(), arena.acquire(), arena.acquire()]).size).toBe(3);
  expect(arena.exhaustedCount).toBe(1);
});

test("a slot of another arena is refused", () => {
  const arena = new PacketArena(1, 64);
  acquire(arena);
  expect(() => arena.release(acquire(new PacketArena(1, 64)))).toThrow(RangeError);
});

test.each([
  [0, 64],
  [1.5, 64],
  [1, 63],
])("%d slots of %d bytes are refused", (slots, bytes) => {
  expect(() => new PacketArena(slots, bytes)).toThrow(RangeError);
});
