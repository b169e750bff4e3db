/**
 * A first-in first-out queue on a ring buffer with a fixed maximum. Every list that the network can
 * feed has a maximum, so {@link push} answers whether the item was taken; what a refusal means
 * (drop and count, close, push back) is the owner's policy.
 */
export class Queue<T> {
  readonly #maximum: number;
  #items: (T | undefined)[];
  #head = 0;
  #length = 0;

  /** @param maximum - The most items it ever holds; storage grows towards it as needed. */
  constructor(maximum: number) {
    if (!Number.isInteger(maximum) || maximum < 1) {
      throw new RangeError(`a queue's maximum must be a positive integer, got ${maximum}`);
    }
    this.#maximum = maximum;
    this.#items = new Array<T | undefined>(Math.min(maximum, 8));
  }

  /** Appends `item`; false when the queue is full and the item was not taken. */
  push(item: T): boolean {
    if (this.#length === this.#items.length && !this.#grow()) return false;
    this.#items[(this.#head + this.#length) % this.#items.length] = item;
    this.#length++;
    return true;
  }

  /** Removes and returns the oldest item, or undefined when empty. */
  shift(): T | undefined {
    if (this.#length === 0) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head] = undefined;
    this.#head = (this.#head + 1) % this.#items.length;
    this.#length--;
    return item;
  }

  /** The oldest item without removing it. */
  peek(): T | undefined {
    return this.#length === 0 ? undefined : this.#items[this.#head];
  }

  /** Drops everything. */
  clear(): void {
    this.#items.fill(undefined);
    this.#head = 0;
    this.#length = 0;
  }

  get length(): number {
    return this.#length;
  }

  #grow(): boolean {
    const capacity = this.#items.length;
    if (capacity >= this.#maximum) return false;
    const items = new Array<T | undefined>(Math.min(capacity * 2, this.#maximum));
    for (let i = 0; i < this.#length; i++) items[i] = this.#items[(this.#head + i) % capacity];
    this.#items = items;
    this.#head = 0;
    return true;
  }
}
