import type { OutgoingStream } from "./outgoing-stream.ts";

/**
 * Whose turn it is: weighted fair queueing (RFC 8260 §3.6). Each stream has a virtual time, which grows by what it sends
 * over its weight; the one with the least is next. A stream that comes back from idleness starts at the present, so that
 * it cannot claim what it did not use. A binary heap: the common case, one stream, costs a comparison.
 */
export class StreamScheduler {
  readonly #heap: OutgoingStream[] = [];
  #virtualTime = 0;

  /** The stream whose turn it is, or undefined. */
  peek(): OutgoingStream | undefined {
    return this.#heap[0];
  }

  /** Adds a stream that has something to send; one that is there already stays where it is. */
  add(stream: OutgoingStream): void {
    if (stream.heapIndex >= 0) return;
    if (stream.virtualTime < this.#virtualTime) stream.virtualTime = this.#virtualTime;
    this.#heap.push(stream);
    stream.heapIndex = this.#heap.length - 1;
    this.#moveUp(stream);
  }

  /** Takes a stream out that has nothing more to send. */
  remove(stream: OutgoingStream): void {
    const index = stream.heapIndex;
    if (index < 0) return;
    stream.heapIndex = -1;
    const last = this.#heap.pop();
    if (last === undefined || last === stream) return;
    this.#heap[index] = last;
    last.heapIndex = index;
    this.#moveUp(last);
    this.#moveDown(last);
  }

  /** The stream has sent so many bytes. */
  charge(stream: OutgoingStream, bytes: number): void {
    if (stream.virtualTime > this.#virtualTime) this.#virtualTime = stream.virtualTime;
    stream.virtualTime += bytes / stream.weight;
    if (stream.heapIndex >= 0 && this.#heap.length > 1) this.#moveDown(stream);
  }

  #moveUp(stream: OutgoingStream): void {
    let index = stream.heapIndex;
    while (index > 0) {
      const parent = this.#heap[(index - 1) >> 1]!;
      if (parent.virtualTime <= stream.virtualTime) break;
      this.#heap[index] = parent;
      parent.heapIndex = index;
      index = (index - 1) >> 1;
    }
    this.#heap[index] = stream;
    stream.heapIndex = index;
  }

  #moveDown(stream: OutgoingStream): void {
    let index = stream.heapIndex;
    for (;;) {
      const left = index * 2 + 1;
      if (left >= this.#heap.length) break;
      const right = left + 1;
      const isRightLess =
        right < this.#heap.length && this.#heap[right]!.virtualTime < this.#heap[left]!.virtualTime;
      const child = isRightLess ? right : left;
      const other = this.#heap[child]!;
      if (other.virtualTime >= stream.virtualTime) break;
      this.#heap[index] = other;
      other.heapIndex = index;
      index = child;
    }
    this.#heap[index] = stream;
    stream.heapIndex = index;
  }
}
