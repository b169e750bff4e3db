import { X509Certificate } from "node:crypto";
import { cpus } from "node:os";
import { createNodePlatform } from "@naru/webrtc/node";
import { type ConfigSources, loadConfig } from "../config/load.ts";
import type { NaruConfig } from "../config/schema.ts";
import { tooFewFiles } from "../life/file-limit.ts";
import { runUntilStopped } from "../life/run-until-stopped.ts";
import { createLogger } from "../log/create-logger.ts";
import { listenToKeys } from "../output/keys.ts";
import { SCREEN_MESSAGES, screenLanguage } from "../output/messages.ts";
import { openBrowser } from "../output/open-browser.ts";
import { createPaint, hasColours } from "../output/paint.ts";
import { randomRoomName } from "../output/room-name.ts";
import { bigQrCode, roomUrl, type ScreenFacts, startScreen } from "../output/screen.ts";
import { type AddressCheck, selfTest } from "../self-test/self-test.ts";
import { createNaruServer, type NaruServer } from "../server.ts";
import { VERSION } from "../version.ts";

/** Columns of a terminal that does not say how many it has. */
const DEFAULT_COLUMNS = 80;

/** `naru`: serves until it is asked to stop, and returns the exit code. */
export async function serve(sources: ConfigSources): Promise<number> {
  const { config } = loadConfig(sources);
  const log = createLogger(config.log, process.stdout);
  const server = await createNaruServer(config, { log });
  const readyMs = performance.now();
  const checks = await selfTest(createNodePlatform(), config, server);
  log.info("naru is ready", {
    version: VERSION,
    url: server.url,
    network: server.urls.network.join(" "),
    port: server.port,
    stun: server.hasStun,
    fingerprint: server.certificate.fingerprint,
  });
  for (const { address, https, stun } of checks) {
    if (https !== undefined)
      log.warn("HTTPS does not work at an address of this machine", { address, reason: https });
    if (stun !== undefined)
      log.warn("STUN does not work at an address of this machine", { address, reason: stun });
  }
  const isText = config.log.format === "text" || (config.log.format === "auto" && process.stdout.isTTY);
  const stopScreen = isText ? showScreen(server, config, checks, readyMs) : () => undefined;
  try {
    return await runUntilStopped(server, log);
  } finally {
    stopScreen();
  }
}

/** Shows the start screen and answers keys, until the returned function is called. */
function showScreen(
  server: NaruServer,
  config: NaruConfig,
  checks: readonly AddressCheck[],
  readyMs: number,
): () => void {
  const { stdin, stdout } = process;
  const paint = createPaint(hasColours(stdout, process.env));
  let language = screenLanguage(config.language, process.env);
  const isInteractive = stdin.isTTY === true && stdout.isTTY === true;
  const facts: ScreenFacts = {
    version: VERSION,
    nodeVersion: process.versions.node,
    cores: cpus().length,
    readyMs,
    urls: server.urls,
    port: server.port,
    room: randomRoomName(language),
    hasStun: server.hasStun,
    hasApp: server.hasApp,
    checks,
    certificate: {
      fingerprint: server.certificate.fingerprint,
      validUntil: new Date(new X509Certificate(server.certificate.served).validTo),
      isOwn: server.certificate.authority !== undefined,
    },
    fewFiles: tooFewFiles(config.limits.connections),
    isInteractive,
  };
  const print = (lines: readonly string[]): void => void stdout.write(`${lines.join("\n")}\n`);
  const draw = (): void => print(startScreen(facts, language, paint, stdout.columns ?? DEFAULT_COLUMNS));
  const open = async (): Promise<void> => {
    const messages = SCREEN_MESSAGES[language];
    const url = roomUrl(server.url, facts.room);
    print([`  ${(await openBrowser(url)) ? messages.opening(url) : messages.cannotOpen(url)}`]);
  };
  draw();
  if (config.open) void open();
  if (!isInteractive) return () => undefined;
  return listenToKeys(stdin, {
    o: () => void open(),
    q: () => print(bigQrCode(facts, paint)),
    l: () => {
      language = language === "en" ? "ko" : "en";
      draw();
    },
    "ctrl-c": () => process.kill(process.pid, "SIGINT"),
  });
}
