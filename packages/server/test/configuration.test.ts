import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { exampleConfig, printConfig } from "../src/cli/config-command.ts";
import { type ConfigSources, loadConfig } from "../src/config/load.ts";
import { CONFIG_OPTIONS, checkConfig, resolveConfig } from "../src/config/schema.ts";
import { StartError } from "../src/life/start-error.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "naru-config-"));
});

function load(sources: Partial<ConfigSources> = {}): ReturnType<typeof loadConfig> {
  return loadConfig({ environment: {}, flags: {}, workingDirectory: folder, ...sources });
}

function file(text: string): void {
  writeFileSync(join(folder, "naru.yaml"), text);
}

function problems(sources: Partial<ConfigSources> = {}): readonly string[] {
  try {
    load(sources);
  } catch (error) {
    if (error instanceof StartError) return error.details;
    throw error;
  }
  return [];
}

describe("where values come from", () => {
  test("nothing given means the defaults", () => {
    const { config, settings } = load();
    expect(config).toMatchObject({ port: 8443, dataDir: "data", limits: { participantsPerRoom: 4 } });
    expect(settings.every(({ kind }) => kind === "default")).toBe(true);
    expect(settings.map(({ key }) => key)).toEqual(CONFIG_OPTIONS.map(({ key }) => key));
  });

  test("the environment wins over the file, and flags over both", () => {
    file("port: 1111\nlimits:\n  rooms: 11\n  participants: 111\nlog:\n  level: debug\n");
    const { config, settings } = load({
      environment: { NARU_PORT: "2222", NARU_LIMITS_ROOMS: "22" },
      flags: { port: "3333" },
    });
    expect(config.port).toBe(3333);
    expect(config.limits).toMatchObject({ rooms: 22, participants: 111, participantsPerRoom: 4 });
    const origins = Object.fromEntries(settings.map(({ key, origin }) => [key, origin]));
    expect(origins).toMatchObject({
      port: "--port",
      "limits.rooms": "NARU_LIMITS_ROOMS",
      "limits.participants": "naru.yaml: limits.participants",
      "log.level": "naru.yaml: log.level",
      host: "default",
    });
  });

  test("text becomes the kind that the option has", () => {
    const { config } = load({
      environment: {
        NARU_AUTH_SECRET: "12345678901234567890123456789012",
        NARU_AUTH_REQUIRED: "yes",
        NARU_TRUSTED_PROXIES: "10.0.0.1, fd00::/8",
        NARU_STUN_ENABLED: "0",
      },
    });
    expect(config.auth).toEqual({ required: true, secret: "12345678901234567890123456789012" });
    expect(config.trustedProxies).toEqual(["10.0.0.1", "fd00::/8"]);
    expect(config.stun.enabled).toBe(false);
  });

  test("another file can be named, by flag or in the environment, and must exist", () => {
    writeFileSync(join(folder, "other.yaml"), "port: 4444\n");
    expect(load({ file: "other.yaml" }).config.port).toBe(4444);
    expect(load({ environment: { NARU_CONFIG: "other.yaml" } }).config.port).toBe(4444);
    expect(problems({ file: "missing.yaml" })).toEqual(["missing.yaml: there is no such file"]);
  });

  test("an empty file is no configuration at all", () => {
    file("# nothing yet\n");
    expect(load().config.port).toBe(8443);
    file("limits:\n");
    expect(load().config.limits.rooms).toBe(10_000);
  });
});

describe("what is refused", () => {
  test("each problem names its source, what was expected and what came, all at once", () => {
    file("port: 70000\nlimits:\n  rooms: many\ntls: no\n");
    expect(problems({ environment: { NARU_LOG_LEVEL: "loud", NARU_METRICS_ALLOW: "everyone" } })).toEqual([
      'naru.yaml: tls: expected a group of options, got "no"',
      "naru.yaml: port: expected a whole number from 0 to 65535, got 70000",
      'naru.yaml: limits.rooms: expected a whole number from 1 to 1000000, got "many"',
      'NARU_METRICS_ALLOW: expected addresses or networks, such as 10.0.0.0/8 (separated by commas), got ["everyone"]',
      'NARU_LOG_LEVEL: expected one of error, warn, info, debug, got "loud"',
    ]);
  });

  test("an unknown option is refused with the one that was meant", () => {
    file("prot: 1\nlimits:\n  participantPerRoom: 3\n__proto__:\n  polluted: 1\nzzzzzzzz: 1\n");
    const found = problems({ environment: { NARU_LIMITS_ROMS: "1" } });
    expect(found).toContain("naru.yaml: prot: no such option; did you mean port?");
    expect(found).toContain(
      "naru.yaml: limits.participantPerRoom: no such option; did you mean limits.participantsPerRoom?",
    );
    expect(found).toContain("naru.yaml: zzzzzzzz: no such option");
    expect(found).toContain("NARU_LIMITS_ROMS: no such option; did you mean NARU_LIMITS_ROOMS?");
    expect(Reflect.get({}, "polluted")).toBeUndefined();
  });

  test("what only looks like our environment is left alone", () => {
    expect(problems({ environment: { NARU_ISOLATED: "1", NARU_TEST_SUMMARY: "/x", PORT: "1" } })).toEqual([]);
  });

  test("a secret is never repeated", () => {
    const [problem] = problems({ environment: { NARU_AUTH_SECRET: "hunter2" } });
    expect(problem).toContain("at least 32 characters");
    expect(problem).not.toContain("hunter2");
  });

  test("a file that is no YAML says where", () => {
    file("port: [1\n");
    expect(problems()[0]).toMatch(/^naru\.yaml: not YAML: .*line 2/s);
    file("- a\n- b\n");
    expect(problems()[0]).toBe('naru.yaml: expected "option: value" lines, got ["a","b"]');
  });

  test("a YAML bomb is refused", () => {
    const levels = Array.from({ length: 12 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i},`.repeat(10)}]`);
    file(`a0: &a0 [x]\n${levels.join("\n")}\n`);
    expect(problems().length).toBeGreaterThan(0);
  });

  test("a public address is an origin", () => {
    for (const bad of [
      "meet.example.com",
      "https://meet.example.com/path",
      "ftp://x",
      "https://user@x",
      "",
    ]) {
      expect(problems({ flags: { publicUrl: bad } }), bad).toHaveLength(1);
    }
    expect(load({ flags: { publicUrl: "https://meet.example.com/" } }).config.publicUrl).toBe(
      "https://meet.example.com",
    );
  });

  test("a program gets a TypeError that names the option", () => {
    expect(() => resolveConfig({ port: 1.5 })).toThrow(
      new TypeError("port: expected a whole number from 0 to 65535"),
    );
    expect(checkConfig({ limits: { sheep: 1 } }).issues).toEqual([
      { key: "limits.sheep", expected: "no such option" },
    ]);
  });
});

describe("what is shown", () => {
  test("config print shows every value with its origin, and no secret", () => {
    let text = "";
    const flags = { "auth.secret": "a".repeat(40), port: "9000" };
    printConfig({ environment: {}, flags, workingDirectory: folder }, { write: (part) => (text += part) });
    expect(text).toMatch(/^port\s+9000\s+--port$/m);
    expect(text).toMatch(/^auth\.secret\s+\(set, not shown\)\s+--auth\.secret$/m);
    expect(text).toMatch(/^tls\.cert\s+-\s+default$/m);
    expect(text).not.toContain("aaaa");
  });

  test("config example changes nothing as it is, and names every option when it is uncommented", () => {
    const example = exampleConfig();
    expect(parse(example)).toBeNull();
    const uncommented = example
      .split("\n")
      .filter((line) => /^# ( {2})?\w+:/.test(line))
      .map((line) => line.replace(/^# /, ""))
      .join("\n");
    const { issues } = checkConfig(removeNull(parse(uncommented)));
    expect(issues).toEqual([]);
    for (const { key } of CONFIG_OPTIONS) expect(uncommented).toContain(key.split(".").at(-1));
  });
});

/** Options without a default stand in the example with nothing behind the colon. */
function removeNull(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const entries = Object.entries(value).filter(([, inner]) => inner !== null);
  return Object.fromEntries(entries.map(([key, inner]) => [key, removeNull(inner)]));
}
