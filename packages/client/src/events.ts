/** Listener arguments by event name. */
export type EventMap = Record<string, readonly unknown[]>;

/** Stops listening; calling it again does nothing. */
export type Unsubscribe = () => void;

/** Typed listeners of one object. */
export class Emitter<Events extends EventMap> {
  readonly #listeners: Map<keyof Events, Set<(...args: never) => void>> = new Map();

  /** Calls `listener` at each `event` from now on. */
  on<Name extends keyof Events>(event: Name, listener: (...args: Events[Name]) => void): Unsubscribe {
    const listeners = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, listeners);
    // One function may be registered twice, so each registration gets its own entry.
    const entry = (...args: Events[Name]): void => listener(...args);
    listeners.add(entry);
    return () => void listeners.delete(entry);
  }

  /** Calls every listener; one that throws does not keep the others from hearing, its error is reported as uncaught. */
  emit<Name extends keyof Events>(event: Name, ...args: Events[Name]): void {
    for (const listener of [...(this.#listeners.get(event) ?? [])]) {
      try {
        Reflect.apply(listener, undefined, args);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
