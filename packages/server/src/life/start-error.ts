/** Why the command could not start or go on. Each has its exit code, listed in `docs/guides/run.md`. */
export type StartErrorCode = "USAGE" | "CONFIG" | "LISTEN" | "DATA_DIRECTORY" | "CERTIFICATE" | "TRUST";

/** Exit codes of the command. 0: stopped as asked. 1: a bug of ours. */
export const EXIT_CODES: Readonly<Record<StartErrorCode, number>> = {
  USAGE: 2,
  CONFIG: 2,
  LISTEN: 3,
  DATA_DIRECTORY: 4,
  CERTIFICATE: 5,
  TRUST: 6,
};

/** Exit code after an error that nobody foresaw. */
export const EXIT_UNEXPECTED = 1;

/** Exit code of `naru doctor` when something does not work. */
export const EXIT_DOCTOR = 7;

/** Exit code when a second signal cut the farewell short: 128 + SIGINT, as shells count. */
export const EXIT_FORCED = 130;

export interface StartErrorInit {
  readonly code: StartErrorCode;
  /** One sentence: what is wrong. */
  readonly summary: string;
  /** One line each, when there is more to say. */
  readonly details?: readonly string[];
  /** The command, or the step, that fixes it. */
  readonly remedy: string;
  readonly cause?: unknown;
}

/** The environment is not as it must be. It carries what to tell the operator: the cause and the way out. */
export class StartError extends Error {
  override readonly name = "StartError";
  readonly code: StartErrorCode;
  readonly details: readonly string[];
  readonly remedy: string;

  constructor(init: StartErrorInit) {
    super([init.summary, ...(init.details ?? [])].join("\n  "), { cause: init.cause });
    this.code = init.code;
    this.details = init.details ?? [];
    this.remedy = init.remedy;
  }

  get exitCode(): number {
    return EXIT_CODES[this.code];
  }
}
