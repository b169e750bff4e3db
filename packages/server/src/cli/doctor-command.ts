import { type ConfigSources, loadConfig } from "../config/load.ts";
import { examine } from "../doctor/doctor.ts";
import type { Finding } from "../doctor/finding.ts";
import { DOCTOR_WORDS, findingFix, findingText } from "../doctor/words.ts";
import type { Language } from "../http/languages.ts";
import { EXIT_DOCTOR, StartError } from "../life/start-error.ts";
import { padToWidth } from "../output/display-width.ts";
import { screenLanguage } from "../output/messages.ts";
import { createPaint, hasColours, type Paint } from "../output/paint.ts";
import { VERSION } from "../version.ts";

export interface DoctorCommandOptions {
  /** Origin of a server elsewhere. */
  readonly url?: string;
  /** One JSON document instead of lines for people. */
  readonly json?: boolean;
}

/** Columns for what is checked, in either language. */
const NAME_WIDTH = 15;

/** `naru doctor`: proves each path, and returns 0 when nothing fails. */
export async function doctor(sources: ConfigSources, options: DoctorCommandOptions): Promise<number> {
  const { config } = loadConfig(sources);
  const url = options.url === undefined ? undefined : originOf(options.url);
  const { stdout } = process;
  const language = screenLanguage(config.language, process.env);
  const paint = createPaint(hasColours(stdout, process.env));
  const isForPeople = options.json !== true;
  if (isForPeople) stdout.write("\n");
  const findings = await examine({ config, url }, (found) => {
    if (isForPeople) stdout.write(lines(found, language, paint));
  });
  const failed = findings.filter(({ status }) => status === "fail").length;
  const warned = findings.filter(({ status }) => status === "warn").length;
  const words = DOCTOR_WORDS[language];
  if (isForPeople) {
    const summary = failed + warned === 0 ? words.allWell : `${words.summary(failed, warned)}.`;
    stdout.write(`\n  ${paint.bold(summary)}\n\n`);
  } else stdout.write(`${JSON.stringify(report(findings, failed), undefined, 2)}\n`);
  return failed === 0 ? 0 : EXIT_DOCTOR;
}

/** The findings as a program reads them: by code, with the English sentences beside. */
function report(findings: readonly Finding[], failed: number): unknown {
  return {
    version: VERSION,
    ok: failed === 0,
    checks: findings.map((found) => ({
      ...found,
      text: findingText(found, "en"),
      fix: findingFix(found, "en"),
    })),
  };
}

function lines(found: Finding, language: Language, paint: Paint): string {
  const mark = {
    ok: paint.jade("✔"),
    warn: paint.amber("!"),
    fail: paint.red("✖"),
    skipped: paint.quiet("·"),
  }[found.status];
  const name = padToWidth(DOCTOR_WORDS[language].checks[found.check], NAME_WIDTH);
  const fix = findingFix(found, language);
  const advice = fix === undefined ? "" : `      ${paint.bold("→")} ${fix}\n`;
  return `  ${mark} ${name} ${findingText(found, language)}\n${advice}`;
}

function originOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && (url.protocol === "https:" || url.protocol === "http:")) return url.origin;
  throw new StartError({
    code: "USAGE",
    summary: `--url: expected an address such as https://meet.example.com, got "${text}".`,
    remedy: "naru doctor --url https://<host>:<port>",
  });
}
