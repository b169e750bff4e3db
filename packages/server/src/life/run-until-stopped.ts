import type { Logger } from "@naru/webrtc/sansio";
import type { NaruServer } from "../server.ts";
import { EXIT_FORCED } from "./start-error.ts";

const STOP_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Waits for a signal, lets the server say farewell, and returns the exit code. A second signal does not wait.
 */
export async function runUntilStopped(server: NaruServer, log: Logger): Promise<number> {
  const first = await nextSignal();
  log.info("stopping: everybody is told; once more stops at once", { signal: first });
  const forced = nextSignal().then(() => "forced" as const);
  const outcome = await Promise.race([server.drain().then(() => "drained" as const), forced]);
  await server.close();
  log.info("stopped", { outcome });
  return outcome === "forced" ? EXIT_FORCED : 0;
}

function nextSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    const onSignal = (signal: NodeJS.Signals): void => {
      for (const name of STOP_SIGNALS) process.off(name, onSignal);
      resolve(signal);
    };
    for (const name of STOP_SIGNALS) process.on(name, onSignal);
  });
}
