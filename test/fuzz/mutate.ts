/**
 * Inputs made from other inputs. Everything here follows from the seed, so a finding is replayed by it.
 */

/** A small seeded generator (xorshift32): chance for tests, nothing that needs to be unpredictable. */
export class Chance {
  #state: number;

  constructor(seed: number) {
    // Zero is the one state xorshift never leaves.
    this.#state = seed >>> 0 || 0x9e37_79b9;
    for (let i = 0; i < 8; i++) this.below(2);
  }

  /** A uniform integer in [0, limit). */
  below(limit: number): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state >>> 0;
    return Math.floor((this.#state / 0x1_0000_0000) * limit);
  }

  /** One of the items, which must not be none. */
  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new RangeError("nothing to pick from");
    return item;
  }
}

/** Numbers at which length fields, counters and signs break. */
const INTERESTING = [
  0, 1, 2, 3, 4, 7, 8, 15, 16, 19, 20, 21, 31, 32, 63, 64, 127, 128, 129, 255, 256, 257, 511, 512, 1023, 1024,
  1199, 1200, 1472, 1500, 0x7fff, 0x8000, 0x8001, 0xfffe, 0xffff, 0x1_0000, 0x7fff_ffff, 0x8000_0000,
  0xffff_ffff,
] as const;

/** Pieces of text that parsers of JSON, names and numbers stumble over. */
const TEXT_PIECES = [
  '"__proto__"',
  '"constructor"',
  '"toString"',
  "null",
  "true",
  "-1",
  "0",
  "1e309",
  "1e-7",
  "9007199254740993",
  '""',
  "{}",
  "[]",
  "[[[[[[[[",
  '{"a":{"a":{"a":',
  '"\\u0000"',
  '"\\ud800"',
  "\u202e",
  "한글",
  "\\",
  '"',
  ",",
  ":",
  "}",
  "]",
].map((piece) => new TextEncoder().encode(piece));

type Mutation = (bytes: Uint8Array, chance: Chance, pool: readonly Uint8Array[]) => Uint8Array;

const MUTATIONS: readonly Mutation[] = [
  flipBit,
  flipBit,
  setByte,
  setByte,
  setInteger,
  setInteger,
  addToByte,
  truncate,
  removeRange,
  repeatRange,
  insertBytes,
  insertPiece,
  overwriteRange,
  splice,
  swapHalves,
];

/** Input `index` of a run: a corpus entry with one to several mutations, now and then nothing but noise. */
export function nextInput(pool: readonly Uint8Array[], maxBytes: number, chance: Chance): Uint8Array {
  if (pool.length === 0 || chance.below(50) === 0) return noise(chance, chance.below(64));
  let bytes: Uint8Array = chance.pick(pool).slice();
  const rounds = 1 << chance.below(5);
  for (let round = 0; round < rounds; round++) bytes = chance.pick(MUTATIONS)(bytes, chance, pool);
  return bytes.length > maxBytes ? bytes.slice(0, maxBytes) : bytes;
}

function noise(chance: Chance, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => chance.below(256));
}

function flipBit(bytes: Uint8Array, chance: Chance): Uint8Array {
  if (bytes.length > 0) bytes[chance.below(bytes.length)]! ^= 1 << chance.below(8);
  return bytes;
}

function setByte(bytes: Uint8Array, chance: Chance): Uint8Array {
  if (bytes.length > 0) bytes[chance.below(bytes.length)] = chance.below(256);
  return bytes;
}

function addToByte(bytes: Uint8Array, chance: Chance): Uint8Array {
  if (bytes.length > 0) bytes[chance.below(bytes.length)]! += chance.below(33) - 16;
  return bytes;
}

/** An interesting number, sometimes off by the length of the whole, as one, two or four bytes in either order. */
function setInteger(bytes: Uint8Array, chance: Chance): Uint8Array {
  const width = chance.pick([1, 2, 2, 4]);
  if (bytes.length < width) return bytes;
  const offset = chance.below(bytes.length - width + 1);
  const value = chance.below(4) === 0 ? bytes.length - chance.below(25) : chance.pick(INTERESTING);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const littleEndian = chance.below(4) === 0;
  if (width === 1) view.setUint8(offset, value & 0xff);
  else if (width === 2) view.setUint16(offset, value & 0xffff, littleEndian);
  else view.setUint32(offset, value >>> 0, littleEndian);
  return bytes;
}

function truncate(bytes: Uint8Array, chance: Chance): Uint8Array {
  return bytes.slice(0, chance.below(bytes.length + 1));
}

function removeRange(bytes: Uint8Array, chance: Chance): Uint8Array {
  const [start, end] = range(bytes, chance);
  return concat(bytes.subarray(0, start), bytes.subarray(end));
}

function repeatRange(bytes: Uint8Array, chance: Chance): Uint8Array {
  const [start, end] = range(bytes, chance);
  const piece = bytes.subarray(start, end);
  const copies = Array.from({ length: 1 + chance.below(chance.below(8) === 0 ? 64 : 3) }, () => piece);
  return concat(bytes.subarray(0, end), ...copies, bytes.subarray(end));
}

function insertBytes(bytes: Uint8Array, chance: Chance): Uint8Array {
  const at = chance.below(bytes.length + 1);
  return concat(bytes.subarray(0, at), noise(chance, 1 + chance.below(8)), bytes.subarray(at));
}

function insertPiece(bytes: Uint8Array, chance: Chance): Uint8Array {
  const at = chance.below(bytes.length + 1);
  return concat(bytes.subarray(0, at), chance.pick(TEXT_PIECES), bytes.subarray(at));
}

/** Copies a part of another entry over a part of this one. */
function overwriteRange(bytes: Uint8Array, chance: Chance, pool: readonly Uint8Array[]): Uint8Array {
  const other = chance.pick(pool);
  const [start, end] = range(other, chance);
  if (bytes.length === 0) return other.slice(start, end);
  const at = chance.below(bytes.length);
  bytes.set(other.subarray(start, Math.min(end, start + bytes.length - at)), at);
  return bytes;
}

/** The beginning of this entry and the end of another. */
function splice(bytes: Uint8Array, chance: Chance, pool: readonly Uint8Array[]): Uint8Array {
  const other = chance.pick(pool);
  return concat(
    bytes.subarray(0, chance.below(bytes.length + 1)),
    other.subarray(chance.below(other.length + 1)),
  );
}

function swapHalves(bytes: Uint8Array, chance: Chance): Uint8Array {
  const at = chance.below(bytes.length + 1);
  return concat(bytes.subarray(at), bytes.subarray(0, at));
}

function range(bytes: Uint8Array, chance: Chance): [start: number, end: number] {
  const start = chance.below(bytes.length + 1);
  return [start, start + chance.below(Math.min(64, bytes.length - start) + 1)];
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
