/**
 * Which bytes of a message are there: disjoint ranges in order, `[start, end)`.
 */
export class Ranges {
  readonly #maximum: number;
  #ranges: { start: number; end: number }[] = [];

  /** @param maximum - The most ranges it holds. A peer sends a few; a stranger could send one for every second byte. */
  constructor(maximum: number) {
    this.#maximum = maximum;
  }

  /** Adds a range, which may overlap others; false when there would be too many of them. An empty one adds nothing. */
  add(start: number, end: number): boolean {
    if (start >= end) return true;
    let from = start;
    let to = end;
    const apart: { start: number; end: number }[] = [];
    for (const range of this.#ranges) {
      if (range.end < start || range.start > end) apart.push(range);
      else {
        from = Math.min(from, range.start);
        to = Math.max(to, range.end);
      }
    }
    if (apart.length >= this.#maximum) return false;
    apart.push({ start: from, end: to });
    this.#ranges = apart.sort((a, b) => a.start - b.start);
    return true;
  }

  /** Whether all of `[0, length)` is there. */
  covers(length: number): boolean {
    const first = this.#ranges[0];
    return length === 0 || (first !== undefined && first.start === 0 && first.end >= length);
  }

  /** The parts of `[start, end)` that are there. */
  within(start: number, end: number): { start: number; end: number }[] {
    return this.#ranges
      .map((range) => ({ start: Math.max(range.start, start), end: Math.min(range.end, end) }))
      .filter((range) => range.start < range.end);
  }

  /** The first part of `[from, length)` that is not there. */
  gap(from: number, length: number): { start: number; end: number } | undefined {
    let start = from;
    for (const range of this.#ranges) {
      if (range.end <= start) continue;
      if (range.start > start) return { start, end: Math.min(range.start, length) };
      start = range.end;
    }
    return start < length ? { start, end: length } : undefined;
  }

  clear(): void {
    this.#ranges = [];
  }
}
