/** A size in bytes as people read it: `1.4 MB`. Powers of 1000, as file managers and networks count. */
export function formatBytes(bytes: number, locale: string): string {
  let value = Math.max(0, bytes);
  let unit = 0;
  while (value >= 999.5 && unit < BYTE_UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = unit === 0 || value >= 99.5 ? 0 : 1;
  return `${numberFormat(locale, digits).format(value)} ${BYTE_UNITS[unit]}`;
}

/** A rate in bits per second: `1.2 Mbit/s`. */
export function formatBitrate(bitsPerSecond: number, locale: string): string {
  if (bitsPerSecond < 999.5) return `${numberFormat(locale, 0).format(Math.max(0, bitsPerSecond))} bit/s`;
  if (bitsPerSecond < 999_500) return `${numberFormat(locale, 0).format(bitsPerSecond / 1000)} kbit/s`;
  return `${numberFormat(locale, 1).format(bitsPerSecond / 1_000_000)} Mbit/s`;
}

/** A span of milliseconds: `85 ms`, `1.24 s`. */
export function formatMillis(milliseconds: number, locale: string): string {
  if (milliseconds < 999.5) return `${numberFormat(locale, 0).format(Math.max(0, milliseconds))} ms`;
  return `${numberFormat(locale, milliseconds < 9_995 ? 2 : 1).format(milliseconds / 1000)} s`;
}

/** A countdown or a time left, in whole seconds as `m:ss` or `h:mm:ss`. */
export function formatClock(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  const rest = String(whole % 60).padStart(2, "0");
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

/** Time of day of a message. */
export function formatTime(at: number, locale: string): string {
  return timeFormat(locale).format(at);
}

/** Seconds until a transfer is done, or undefined while the speed is not known. */
export function secondsLeft(total: number, done: number, bytesPerSecond: number): number | undefined {
  if (bytesPerSecond <= 0 || !Number.isFinite(bytesPerSecond)) return undefined;
  return Math.max(0, total - done) / bytesPerSecond;
}

const BYTE_UNITS = ["B", "kB", "MB", "GB", "TB"] as const;
const numberFormats = new Map<string, Intl.NumberFormat>();
const timeFormats = new Map<string, Intl.DateTimeFormat>();

function numberFormat(locale: string, digits: number): Intl.NumberFormat {
  const key = `${locale}/${digits}`;
  const known = numberFormats.get(key);
  if (known !== undefined) return known;
  const made = new Intl.NumberFormat(locale, { minimumFractionDigits: 0, maximumFractionDigits: digits });
  numberFormats.set(key, made);
  return made;
}

function timeFormat(locale: string): Intl.DateTimeFormat {
  const known = timeFormats.get(locale);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat(locale, { hour: "numeric", minute: "2-digit" });
  timeFormats.set(locale, made);
  return made;
}
