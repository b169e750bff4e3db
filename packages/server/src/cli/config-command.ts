import { type ConfigSources, loadConfig } from "../config/load.ts";
import { environmentName, flagName } from "../config/origins.ts";
import { CONFIG_OPTIONS } from "../config/schema.ts";

/** `naru config print`: each value with the source that decided it; secrets are not shown. */
export function printConfig(sources: ConfigSources, output: { write(text: string): unknown }): void {
  const { settings } = loadConfig(sources);
  const rows = settings.map(({ key, value, origin }) => {
    const isSecret = CONFIG_OPTIONS.some((option) => option.key === key && option.secret);
    const shown = value === undefined ? "-" : isSecret ? "(set, not shown)" : JSON.stringify(value);
    return { key, shown, origin };
  });
  const keyWidth = Math.max(...rows.map(({ key }) => key.length));
  const valueWidth = Math.max(...rows.map(({ shown }) => shown.length));
  for (const { key, shown, origin } of rows) {
    output.write(`${key.padEnd(keyWidth)}  ${shown.padEnd(valueWidth)}  ${origin}\n`);
  }
}

/** `naru config example`: a file in which every option is explained and commented out, so that it changes nothing. */
export function exampleConfig(): string {
  const lines = [
    "# naru.yaml: every option with its default. Uncomment what you change.",
    "# The environment (NARU_PORT) wins over this file, flags (--port) over both.",
  ];
  let group = "";
  for (const { key, description, expected, defaultValue } of CONFIG_OPTIONS) {
    const [first = "", second] = key.split(".");
    const indent = second === undefined ? "" : "  ";
    lines.push("");
    if (second !== undefined && first !== group) lines.push(`# ${first}:`);
    group = second === undefined ? "" : first;
    lines.push(`#${indent} ${description}`);
    lines.push(`#${indent} Expects ${expected}. ${environmentName(key)}, ${flagName(key)}`);
    lines.push(
      `#${indent} ${second ?? first}: ${defaultValue === undefined ? "" : JSON.stringify(defaultValue)}`.trimEnd(),
    );
  }
  return `${lines.join("\n")}\n`;
}
