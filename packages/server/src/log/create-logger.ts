import type { LogFields, Logger } from "@naru/webrtc/sansio";
import { pino } from "pino";
import type { NaruConfig } from "../config/schema.ts";
import type { Paint } from "../output/paint.ts";

/** Where lines go. */
export interface LogOutput {
  write(text: string): unknown;
  readonly isTTY?: boolean;
}

/** Whether people read the lines, rather than programs. */
export function isForPeople(format: NaruConfig["log"]["format"], output: LogOutput): boolean {
  return format === "text" || (format === "auto" && output.isTTY === true);
}

/** Fields that are never written, wherever they come from. */
const REDACTED = ["token", "secret", "session", "password", "credential", "authorization", "privateKey"];

/** JSON lines for machines, or one readable line each for a terminal. */
export function createLogger(config: NaruConfig["log"], output: LogOutput, paint: Paint): Logger {
  const { level, format } = config;
  return isForPeople(format, output) ? textLogger(level, output, paint) : jsonLogger(level, output);
}

function jsonLogger(level: NaruConfig["log"]["level"], output: LogOutput): Logger {
  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: REDACTED,
    },
    { write: (line) => void output.write(line) },
  );
  return {
    error: (message, fields) => logger.error(fields ?? {}, message),
    warn: (message, fields) => logger.warn(fields ?? {}, message),
    info: (message, fields) => logger.info(fields ?? {}, message),
    debug: (message, fields) => logger.debug(fields ?? {}, message),
  };
}

const LEVELS = ["error", "warn", "info", "debug"] as const;

function textLogger(level: NaruConfig["log"]["level"], output: LogOutput, paint: Paint): Logger {
  const enabled = LEVELS.slice(0, LEVELS.indexOf(level) + 1);
  const at =
    (name: (typeof LEVELS)[number]) =>
    (message: string, fields?: LogFields): void => {
      if (!enabled.includes(name)) return;
      const time = new Date().toLocaleTimeString("en-GB");
      const context = Object.entries(fields ?? {})
        .filter(([, value]) => value !== undefined)
        .map(([key, value]) => `${key}=${REDACTED.includes(key) ? "[Redacted]" : harmless(String(value))}`);
      output.write(
        `  ${paint.quiet(time)} ${painted(paint, name)} ${[message, paint.quiet(context.join(" "))].join(" ")}\n`,
      );
    };
  return { error: at("error"), warn: at("warn"), info: at("info"), debug: at("debug") };
}

/**
 * Some values are a client's words: no control sequence of theirs reaches the terminal, and no line of theirs looks
 * like one of ours.
 */
function harmless(text: string): string {
  return text.replace(/\p{Cc}/gu, (letter) => (letter === "\n" ? "\n        " : " "));
}

function painted(paint: Paint, level: (typeof LEVELS)[number]): string {
  switch (level) {
    case "error":
      return paint.red("error");
    case "warn":
      return paint.amber("warn ");
    case "info":
      return paint.jade("info ");
    case "debug":
      return paint.quiet("debug");
    default:
      return level satisfies never;
  }
}
