import type { ConfigOption } from "./schema.ts";

/** Where a value comes from; later ones win. */
export type OriginKind = "default" | "file" | "environment" | "flag";

/** One value as it was given, and by whom. */
export interface Setting {
  readonly key: string;
  readonly value: unknown;
  readonly kind: OriginKind;
  /** The source in words people look for: `naru.yaml`, `NARU_PORT`, `--port`. */
  readonly origin: string;
}

/** `limits.participantsPerRoom` as an environment variable: `NARU_LIMITS_PARTICIPANTS_PER_ROOM`. */
export function environmentName(key: string): string {
  const words = key.replace(/([a-z0-9])([A-Z])/g, "$1_$2").replaceAll(".", "_");
  return `NARU_${words.toUpperCase()}`;
}

/** `limits.participantsPerRoom` as a flag: `--limits.participants-per-room`. */
export function flagName(key: string): string {
  return `--${key.replace(/([a-z0-9])([A-Z])/g, "$1-$2").toLowerCase()}`;
}

/** What all spellings of one key have in common, so that `--tls-cert` and `--tls.cert` are the same. */
export function plainKey(name: string): string {
  return name.replace(/[-._]/g, "").toLowerCase();
}

/** A value that came as text (environment, flag) in the kind that the option has; as it came when that cannot be. */
export function valueFromText(option: ConfigOption, text: string): unknown {
  switch (option.kind) {
    case "string":
      return text;
    case "number":
      return /^-?\d+(?:\.\d+)?$/.test(text) ? Number(text) : text;
    case "boolean":
      return /^(?:true|yes|on|1)$/i.test(text) ? true : /^(?:false|no|off|0)$/i.test(text) ? false : text;
    case "list":
      return text === "" ? [] : text.split(",").map((part) => part.trim());
    default:
      return option.kind satisfies never;
  }
}
