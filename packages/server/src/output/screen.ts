import { renderUnicode, renderUnicodeCompact } from "uqr";
import type { Language } from "../http/languages.ts";
import type { ServerUrls } from "../network/server-urls.ts";
import type { AddressCheck } from "../self-test/self-test.ts";
import { displayWidth, padToWidth } from "./display-width.ts";
import { SCREEN_MESSAGES, type ScreenMessages } from "./messages.ts";
import type { Paint } from "./paint.ts";

/** What the start screen shows. */
export interface ScreenFacts {
  readonly version: string;
  readonly nodeVersion: string;
  readonly cores: number;
  readonly readyMs: number;
  readonly urls: ServerUrls;
  readonly port: number;
  /** Name of a new room. */
  readonly room: string;
  readonly hasStun: boolean;
  /** Media is relayed, on the same ports. */
  readonly hasTurn: boolean;
  readonly hasApp: boolean;
  readonly checks: readonly AddressCheck[];
  readonly certificate: {
    readonly fingerprint: string;
    readonly validUntil: Date;
    /** Of the local authority, which browsers do not know by themselves. */
    readonly isOwn: boolean;
  };
  /** How many files the process may open, and how many connections may come; undefined when that is enough. */
  readonly fewFiles: { readonly limit: number; readonly wanted: number } | undefined;
  /** Whether keys can be pressed. */
  readonly isInteractive: boolean;
}

const INDENT = "  ";
const LABEL_WIDTH = 20;
const GAP = "   ";
/** Lines around the addresses: the first one, the keys, the empty ones. */
const FRAME_ROWS = 8;

/** Size of the terminal in characters. */
export interface ScreenSize {
  readonly columns: number;
  readonly rows: number;
}

/** The start screen as lines, with the QR code beside or below the text where the terminal has room for it. */
export function startScreen(
  facts: ScreenFacts,
  language: Language,
  paint: Paint,
  size: ScreenSize,
): string[] {
  const messages = SCREEN_MESSAGES[language];
  const lines: Line[] = [
    ...addressLines(facts, messages),
    EMPTY_LINE,
    ...checkLines(facts, messages),
    ...certificateLines(facts, messages),
    ...noticeLines(facts, messages),
  ];
  const body = lines.map((line) => {
    const label = padToWidth(line.label, LABEL_WIDTH);
    const painted = `${INDENT}${paint.quiet(label)}${(line.paint ?? identity)(line.text, paint)}`;
    return line === EMPTY_LINE
      ? { width: 0, painted: "" }
      : { width: displayWidth(INDENT + label + line.text), painted };
  });
  const width = Math.max(...body.map((line) => line.width));
  const code = facts.urls.invitation === undefined ? [] : qrLines(invitationTo(facts));
  const isBeside = width + GAP.length + displayWidth(code[0] ?? "") <= size.columns;
  const isBelow = !isBeside && body.length + code.length + FRAME_ROWS <= size.rows;
  const shown = Array.from({ length: Math.max(body.length, isBeside ? code.length : 0) }, (_, i) => {
    const line = body[i] ?? { width: 0, painted: "" };
    const codeLine = isBeside ? code[i] : undefined;
    return codeLine === undefined
      ? line.painted
      : line.painted + " ".repeat(width - line.width) + GAP + codeLine;
  });
  return [
    "",
    `${INDENT}${paint.bold(`naru ${facts.version}`)}   ${paint.jade(messages.ready((facts.readyMs / 1_000).toFixed(1)))}   ${paint.quiet(`Node ${facts.nodeVersion} · ${messages.cores(facts.cores)}`)}`,
    "",
    ...shown,
    "",
    ...(isBelow ? [...code.map((line) => INDENT + line), ""] : []),
    ...(facts.isInteractive ? [keyLine(messages, paint), ""] : []),
  ];
}

/** A QR code that a camera reads across a table, with the address under it. */
export function bigQrCode(facts: ScreenFacts, paint: Paint): string[] {
  const address = invitationTo(facts);
  const code = renderUnicode(address, { border: 2 })
    .split("\n")
    .map((line) => `${INDENT}${line}`);
  return ["", ...code, "", `${INDENT}${paint.bold(decodeURI(address))}`, ""];
}

/** The first room at an address. */
export function roomUrl(base: string, room: string): string {
  return `${base}/r/${encodeURIComponent(room)}`;
}

interface Line {
  readonly label: string;
  readonly text: string;
  readonly paint?: (text: string, paint: Paint) => string;
}

const EMPTY_LINE: Line = { label: "", text: "" };

function identity(text: string): string {
  return text;
}

function addressLines({ urls, room }: ScreenFacts, messages: ScreenMessages): Line[] {
  const strong = (text: string, paint: Paint): string => paint.bold(text);
  const network: Line[] =
    urls.network.length === 0
      ? [{ label: messages.network, text: messages.noNetwork, paint: (text, paint) => paint.quiet(text) }]
      : urls.network.map((url, i) => ({ label: i === 0 ? messages.network : "", text: url, paint: strong }));
  return [
    { label: messages.thisComputer, text: urls.local, paint: strong },
    ...network,
    { label: messages.firstRoom, text: decodeURI(roomUrl(urls.local, room)), paint: strong },
  ];
}

function checkLines(facts: ScreenFacts, messages: ScreenMessages): Line[] {
  const https = checkLine(
    messages.https,
    `TCP ${facts.port}`,
    facts.checks,
    (check) => check.https,
    messages,
  );
  const label = facts.hasTurn ? messages.stunAndTurn : messages.stun;
  if (!facts.hasStun) return [...https, { label, text: messages.stunOff }];
  return [...https, ...checkLine(label, `UDP ${facts.port}`, facts.checks, (check) => check.stun, messages)];
}

function checkLine(
  label: string,
  port: string,
  checks: readonly AddressCheck[],
  problemOf: (check: AddressCheck) => string | undefined,
  messages: ScreenMessages,
): Line[] {
  const broken = checks.filter((check) => problemOf(check) !== undefined);
  const working = checks.length - broken.length;
  const first: Line[] =
    working > 0 || broken.length === 0
      ? [
          {
            label,
            text: `${port}   ✔ ${messages.answers(working)}`,
            paint: (text, paint) => text.replace("✔", paint.jade("✔")),
          },
        ]
      : [];
  const rest = broken.map(
    (check, i): Line => ({
      label: first.length === 0 && i === 0 ? label : "",
      text: `${port}   ✖ ${messages.broken(check.address, problemOf(check) ?? "")}`,
      paint: (text, paint) => paint.red(text),
    }),
  );
  return [...first, ...rest];
}

function certificateLines({ certificate, urls }: ScreenFacts, messages: ScreenMessages): Line[] {
  const until = certificate.validUntil.toISOString().slice(0, 10);
  const [first, second] = halves(certificate.fingerprint);
  const quiet = (text: string, paint: Paint): string => paint.quiet(text);
  return [
    {
      label: messages.certificate,
      text: certificate.isOwn ? messages.ownCertificate(until) : messages.givenCertificate(until),
    },
    { label: "SHA-256", text: first, paint: quiet },
    { label: "", text: second, paint: quiet },
    ...(certificate.isOwn && urls.network.length > 0
      ? [{ label: "", text: messages.trustHint, paint: quiet }]
      : []),
  ];
}

function noticeLines({ hasApp, fewFiles }: ScreenFacts, messages: ScreenMessages): Line[] {
  const notices = [
    ...(hasApp ? [] : [messages.appMissing]),
    ...(fewFiles === undefined ? [] : [messages.fewFiles(fewFiles.limit, fewFiles.wanted)]),
  ];
  return notices.map((text) => ({ label: "", text: `! ${text}`, paint: (line, paint) => paint.amber(line) }));
}

function keyLine(messages: ScreenMessages, paint: Paint): string {
  const keys = messages.keys.map(([key, action]) => `${paint.bold(key)} ${action}`).join(paint.quiet(" · "));
  return `${INDENT}${paint.quiet(messages.press)}  ${keys}`;
}

function invitationTo({ urls, room }: ScreenFacts): string {
  return roomUrl(urls.invitation ?? urls.local, room);
}

/** Dark modules are the background's colour on dark terminals and are inverted by light ones; cameras read both. */
function qrLines(text: string): string[] {
  return renderUnicodeCompact(text, { border: 1 }).split("\n");
}

function halves(fingerprint: string): [string, string] {
  const middle = Math.ceil(fingerprint.length / 2);
  return [fingerprint.slice(0, middle), fingerprint.slice(middle)];
}
