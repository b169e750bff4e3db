import { X509Certificate } from "node:crypto";
import { cpus } from "node:os";
import { createNodePlatform } from "@naru/webrtc/node";
import type { Logger } from "@naru/webrtc/sansio";
import { type ConfigSources, loadConfig } from "../config/load.ts";
import type { NaruConfig } from "../config/schema.ts";
import { tooFewFiles } from "../life/file-limit.ts";
import { runUntilStopped } from "../life/run-until-stopped.ts";
import { createLogger, isForPeople } from "../log/create-logger.ts";
import { listenToKeys } from "../output/keys.ts";
import { SCREEN_MESSAGES, screenLanguage } from "../output/messages.ts";
import { openBrowser } from "../output/open-browser.ts";
import { createPaint, hasColours, type Paint } from "../output/paint.ts";
import { randomRoomName } from "../output/room-name.ts";
import { bigQrCode, roomUrl, type ScreenFacts, startScreen } from "../output/screen.ts";
import { type AddressCheck, selfTest } from "../self-test/self-test.ts";
import { createNaruServer, type NaruServer } from "../server.ts";
import { VERSION } from "../version.ts";

/** Size of a terminal that does not say how large it is. */
const DEFAULT_SIZE = { columns: 80, rows: 24 };

/** `naru`: serves until it is asked to stop, and returns the exit code. */
export async function serve(sources: ConfigSources): Promise<number> {
  const { config } = loadConfig(sources);
  const paint = createPaint(hasColours(process.stdout, process.env));
  const log = createLogger(config.log, process.stdout, paint);
  const server = await createNaruServer(config, { log });
  const readyMs = performance.now();
  // From here on a signal is answered with a farewell.
  const stopped = runUntilStopped(server, log);
  surviveMistakes(log);
  const checks = await selfTest(createNodePlatform(), config, server);
  reportChecks(log, checks);
  const hasScreen = isForPeople(config.log.format, process.stdout);
  if (!hasScreen) reportReady(log, server);
  const stopScreen = hasScreen ? showScreen(server, config, checks, readyMs, paint) : () => undefined;
  try {
    return await stopped;
  } finally {
    stopScreen();
  }
}

function reportReady(log: Logger, server: NaruServer): void {
  log.info("naru is ready", {
    version: VERSION,
    url: server.url,
    network: server.urls.network.join(" "),
    port: server.port,
    stun: server.hasStun,
    turn: server.hasTurn,
    fingerprint: server.certificate.fingerprint,
  });
}

function reportChecks(log: Logger, checks: readonly AddressCheck[]): void {
  for (const { address, https, stun } of checks) {
    if (https !== undefined)
      log.warn("HTTPS does not work at an address of this machine", { address, reason: https });
    if (stun !== undefined)
      log.warn("STUN does not work at an address of this machine", { address, reason: stun });
  }
}

/**
 * A mistake of ours ends what it happened in, one request or one message, and not the calls of everybody else: it
 * is reported as the bug that it is, and the server goes on.
 */
function surviveMistakes(log: Logger): void {
  const report = (error: unknown): void => {
    const details = error instanceof Error ? (error.stack ?? error.message) : String(error);
    log.error("this is a bug in naru, please report it", { details });
  };
  process.on("uncaughtException", report);
  process.on("unhandledRejection", report);
}

/** Shows the start screen and answers keys, until the returned function is called. */
function showScreen(
  server: NaruServer,
  config: NaruConfig,
  checks: readonly AddressCheck[],
  readyMs: number,
  paint: Paint,
): () => void {
  const { stdin, stdout } = process;
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
    hasTurn: server.hasTurn,
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
  const draw = (): void => {
    const { columns = DEFAULT_SIZE.columns, rows = DEFAULT_SIZE.rows } = stdout;
    print(startScreen(facts, language, paint, { columns, rows }));
  };
  const open = async (): Promise<void> => {
    const messages = SCREEN_MESSAGES[language];
    const url = roomUrl(server.url, facts.room);
    const shown = decodeURI(url);
    print([`  ${(await openBrowser(url)) ? messages.opening(shown) : messages.cannotOpen(shown)}`]);
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
