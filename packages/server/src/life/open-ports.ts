import type { Platform } from "@naru/webrtc/platform";
import type { Logger } from "@naru/webrtc/sansio";
import type { NaruConfig } from "../config/schema.ts";
import type { Port } from "../port/port.ts";
import { StunServer } from "../turn/stun-server.ts";
import { TurnRelay } from "../turn/turn-relay.ts";
import { StartError } from "./start-error.ts";

export interface OpenPorts {
  readonly number: number;
  /** Undefined when TURN is switched off. */
  readonly turn: TurnRelay | undefined;
  /** STUN without TURN; undefined when it is switched off, or TURN answers it too. */
  readonly stun: StunServer | undefined;
}

/** How many numbers are tried when the system chooses the TCP port, until the same is free for UDP. */
const MAX_ATTEMPTS = 16;

/**
 * Opens the TCP port, and the UDP port of the same number.
 *
 * @throws {StartError} (rejects) `LISTEN` with the cause and what to do.
 */
export async function openPorts(
  port: Port,
  platform: Platform,
  config: NaruConfig,
  turnSecret: () => string,
  log: Logger,
): Promise<OpenPorts> {
  for (let attempt = 1; ; attempt++) {
    const number = await port.listen(config.host, config.port).catch((error: unknown) => {
      throw listenError("TCP", config, error);
    });
    try {
      if (config.turn.enabled) {
        const turn = await TurnRelay.start(platform, config, number, turnSecret(), log);
        return { number, turn, stun: undefined };
      }
      if (!config.stun.enabled) return { number, turn: undefined, stun: undefined };
      return { number, turn: undefined, stun: await StunServer.start(platform, config.host, number, log) };
    } catch (error) {
      await port.stopListening();
      const isAnotherChance = config.port === 0 && attempt < MAX_ATTEMPTS && codeOf(error) === "EADDRINUSE";
      if (!isAnotherChance) throw listenError("UDP", config, error);
    }
  }
}

function listenError(transport: "TCP" | "UDP", config: NaruConfig, error: unknown): StartError {
  const { port, host } = config;
  const number = `${transport} port ${port}`;
  const start = { code: "LISTEN" as const, cause: error };
  const other = port === 8_443 ? 9_443 : 8_443;
  switch (codeOf(error)) {
    case "EADDRINUSE":
      return new StartError({
        ...start,
        summary: `${number} is in use by another program.`,
        remedy: `naru --port ${other}   # or find the program: ss -lnp${transport === "TCP" ? "t" : "u"} "sport = :${port}"`,
      });
    case "EACCES":
    case "EPERM":
      return new StartError({
        ...start,
        summary: `This user may not open ${number}: the system keeps ports below 1024 for itself.`,
        remedy: `naru --port ${other}   # or allow Node: sudo setcap cap_net_bind_service=+ep "$(readlink -f "$(which node)")"`,
      });
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return new StartError({
        ...start,
        summary: `This machine does not have the address ${host ?? "to listen on"}.`,
        remedy: "ip address   # lists the addresses it has; leave --host out to listen on all of them",
      });
    case "EMFILE":
    case "ENFILE":
      return new StartError({
        ...start,
        summary: "The system allows this process no more open files.",
        remedy: "ulimit -n 65536",
      });
    default:
      return new StartError({
        ...start,
        summary: `${number} cannot be opened: ${error instanceof Error ? error.message : error}.`,
        remedy: `naru --port ${other}`,
      });
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
