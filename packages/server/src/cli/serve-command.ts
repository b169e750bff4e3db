import { type ConfigSources, loadConfig } from "../config/load.ts";
import { runUntilStopped } from "../life/run-until-stopped.ts";
import { createLogger } from "../log/create-logger.ts";
import { createNaruServer } from "../server.ts";
import { VERSION } from "../version.ts";

/** `naru`: serves until it is asked to stop, and returns the exit code. */
export async function serve(sources: ConfigSources): Promise<number> {
  const { config } = loadConfig(sources);
  const log = createLogger(config.log, process.stdout);
  const server = await createNaruServer(config, { log });
  log.info("naru is ready", {
    version: VERSION,
    url: server.url,
    network: server.urls.network.join(" "),
    port: server.port,
    stun: server.hasStun,
  });
  return runUntilStopped(server, log);
}
