import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { parse as parseYaml, YAMLParseError } from "yaml";
import { StartError } from "../life/start-error.ts";
import { environmentName, flagName, plainKey, type Setting, valueFromText } from "./origins.ts";
import { CONFIG_OPTIONS, type ConfigOption, checkConfig, type NaruConfig } from "./schema.ts";
import { closest } from "./suggestion.ts";

/** Read when it exists and no other file is named. */
export const DEFAULT_CONFIG_FILE = "naru.yaml";

/** Longest configuration file that is read, in characters. */
const MAX_FILE_LENGTH = 1_000_000;

export interface ConfigSources {
  /** From `--config`; it must exist then. */
  readonly file?: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Flags by key, as text. */
  readonly flags: Readonly<Record<string, string>>;
  /** Relative paths start here. */
  readonly workingDirectory: string;
}

export interface LoadedConfig {
  readonly config: NaruConfig;
  /** The setting that decided each option, in the order of {@link CONFIG_OPTIONS}. */
  readonly settings: readonly Setting[];
}

/**
 * Reads the file, the environment and the flags, checks all of it, and says where each value came from.
 *
 * @throws {StartError} `CONFIG` naming every problem at once.
 */
export function loadConfig(sources: ConfigSources): LoadedConfig {
  const problems: string[] = [];
  const settings = new Map<string, Setting>();
  const given = [
    ...fileSettings(sources, problems),
    ...environmentSettings(sources.environment, problems),
    ...flagSettings(sources.flags),
  ];
  for (const setting of given) settings.set(setting.key, setting);
  const checked = checkConfig(toTree([...settings.values()]));
  for (const { key, expected } of checked.issues) {
    const setting = settings.get(key);
    problems.push(`${setting?.origin ?? key}: expected ${expected}, got ${shown(key, setting?.value)}`);
  }
  if (!("config" in checked) || problems.length > 0) throw configError(problems);
  const { config } = checked;
  return {
    config,
    settings: CONFIG_OPTIONS.map(
      ({ key, defaultValue }) =>
        settings.get(key) ?? { key, value: defaultValue, kind: "default", origin: "default" },
    ),
  };
}

/** The option that a name in any spelling means. */
export function findOption(name: string): ConfigOption | undefined {
  const plain = plainKey(name);
  return CONFIG_OPTIONS.find(({ key }) => plainKey(key) === plain);
}

function fileSettings(sources: ConfigSources, problems: string[]): Setting[] {
  const named = sources.file ?? sources.environment["NARU_CONFIG"];
  const path = resolve(sources.workingDirectory, named ?? DEFAULT_CONFIG_FILE);
  if (!existsSync(path)) {
    if (named !== undefined) problems.push(`${named}: there is no such file`);
    return [];
  }
  const name = named ?? DEFAULT_CONFIG_FILE;
  let tree: unknown;
  try {
    const content = readFileSync(path, "utf8");
    if (content.length > MAX_FILE_LENGTH) throw new RangeError(`longer than ${MAX_FILE_LENGTH} characters`);
    tree = parseYaml(content, { maxAliasCount: 100 });
  } catch (error) {
    problems.push(
      `${name}: ${error instanceof YAMLParseError ? `not YAML: ${error.message}` : reason(error)}`,
    );
    return [];
  }
  if (tree === null || tree === undefined) return [];
  if (!isRecord(tree)) {
    problems.push(`${name}: expected "option: value" lines, got ${shown("", tree)}`);
    return [];
  }
  return leaves(tree, "", name, problems);
}

function leaves(
  tree: Readonly<Record<string, unknown>>,
  prefix: string,
  file: string,
  problems: string[],
): Setting[] {
  return Object.entries(tree).flatMap(([name, value]): Setting[] => {
    const key = `${prefix}${name}`;
    const option = CONFIG_OPTIONS.find((candidate) => candidate.key === key);
    if (option !== undefined) return [{ key, value, kind: "file", origin: `${file}: ${key}` }];
    const isGroup = CONFIG_OPTIONS.some((candidate) => candidate.key.startsWith(`${key}.`));
    if (!isGroup) {
      problems.push(`${file}: ${key}: no such option${didYouMean(key, allKeys())}`);
      return [];
    }
    if (value === null) return [];
    if (isRecord(value)) return leaves(value, `${key}.`, file, problems);
    problems.push(`${file}: ${key}: expected a group of options, got ${shown("", value)}`);
    return [];
  });
}

function environmentSettings(environment: ConfigSources["environment"], problems: string[]): Setting[] {
  return Object.entries(environment).flatMap(([name, value]): Setting[] => {
    if (!name.startsWith("NARU_") || name === "NARU_CONFIG" || value === undefined) return [];
    const option = CONFIG_OPTIONS.find(({ key }) => environmentName(key) === name);
    if (option !== undefined) {
      return [{ key: option.key, value: valueFromText(option, value), kind: "environment", origin: name }];
    }
    // Other programs may use the prefix too; what is one slip away from an option was meant for us.
    const meant = closest(
      name,
      CONFIG_OPTIONS.map(({ key }) => environmentName(key)),
      2,
    );
    if (meant !== undefined) problems.push(`${name}: no such option; did you mean ${meant}?`);
    return [];
  });
}

function flagSettings(flags: ConfigSources["flags"]): Setting[] {
  return Object.entries(flags).flatMap(([key, value]): Setting[] => {
    const option = findOption(key);
    if (option === undefined) throw new RangeError(`${key} is not an option`);
    return [
      { key: option.key, value: valueFromText(option, value), kind: "flag", origin: flagName(option.key) },
    ];
  });
}

function toTree(settings: readonly Setting[]): unknown {
  const root: Record<string, unknown> = {};
  const groups = new Map<string, Record<string, unknown>>();
  for (const { key, value } of settings) {
    const [name, inner] = key.split(".");
    if (name === undefined) continue;
    if (inner === undefined) {
      root[name] = value;
      continue;
    }
    const group = groups.get(name) ?? {};
    group[inner] = value;
    groups.set(name, group);
    root[name] = group;
  }
  return root;
}

function configError(problems: readonly string[]): StartError {
  return new StartError({
    code: "CONFIG",
    summary: problems.length === 1 ? "The configuration has a mistake:" : "The configuration has mistakes:",
    details: problems,
    remedy: "naru config example   # all options, with what they expect",
  });
}

function didYouMean(name: string, candidates: readonly string[]): string {
  const suggestion = closest(name, candidates);
  return suggestion === undefined ? "" : `; did you mean ${suggestion}?`;
}

function allKeys(): string[] {
  return CONFIG_OPTIONS.map(({ key }) => key);
}

function shown(key: string, value: unknown): string {
  if (value === undefined) return "nothing";
  if (CONFIG_OPTIONS.some((option) => option.key === key && option.secret))
    return "something else (not shown)";
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
