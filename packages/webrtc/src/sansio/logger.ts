/**
 * Where cores and drivers say what they do. The rubric: error = gave up, warn = recovering by itself,
 * info = one line per lifecycle change, debug = the rest. Never per packet above debug; never keys, and
 * never full addresses at info.
 */
export interface Logger {
  error(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
}

/** Structured context of a log line: flat and small, so that it survives as JSON. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

const silence = (): void => undefined;

/** Says nothing. The default everywhere. */
export const SILENT_LOGGER: Logger = { error: silence, warn: silence, info: silence, debug: silence };
