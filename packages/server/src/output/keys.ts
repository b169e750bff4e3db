import { emitKeypressEvents, type Key } from "node:readline";
import type { ReadStream } from "node:tty";

/** What keys do. Names are those of `node:readline`; `ctrl-c` and the like with their modifier. */
export type KeyActions = Readonly<Record<string, () => void>>;

/**
 * Listens to single keys on a terminal until the returned function is called. Suspending (`ctrl-z`) keeps
 * working as everywhere else.
 */
export function listenToKeys(input: ReadStream, actions: KeyActions): () => void {
  const onKey = (_text: string | undefined, key: Key): void => {
    const name = `${key.ctrl ? "ctrl-" : ""}${key.name ?? ""}`;
    if (name === "ctrl-z" && process.platform !== "win32") {
      input.setRawMode(false);
      // The whole group, with npm and whatever else started us: the shell waits for them.
      process.kill(0, "SIGTSTP");
      return;
    }
    if (Object.hasOwn(actions, name)) actions[name]?.();
  };
  const onContinue = (): void => void input.setRawMode(true);
  emitKeypressEvents(input);
  input.setRawMode(true);
  input.resume();
  input.on("keypress", onKey);
  process.on("SIGCONT", onContinue);
  return () => {
    input.off("keypress", onKey);
    process.off("SIGCONT", onContinue);
    input.setRawMode(false);
    input.pause();
  };
}
