import { createHash } from "node:crypto";
import { html, raw } from "hono/html";
import type { Language } from "./languages.ts";

export interface OneMoreStep {
  readonly language: Language;
  /** Where to go on: `https://192.168.0.12:8443/r/brave-otter-42`. */
  readonly secureUrl: string;
  /** SHA-256 of the certificate that the browser will show, or undefined when a proxy holds it. */
  readonly fingerprint: string | undefined;
  /** Whether the certificate is of the local authority: the browser will warn, and it can be installed. */
  readonly isLocal: boolean;
  readonly userAgent: string;
}

interface Texts {
  readonly title: string;
  readonly why: string;
  readonly whyWarning: string;
  readonly buttonsTitle: string;
  readonly continueSecurely: string;
  readonly fingerprintTitle: string;
  readonly fingerprintHint: string;
  readonly installTitle: string;
  readonly installHint: string;
  readonly install: string;
}

type Browser = "chromium" | "firefox" | "safari";

const STYLE = `
:root { color-scheme: light dark; --ink: light-dark(#1c2622, #e6ece8); --paper: light-dark(#faf8f4, #101715);
  --quiet: light-dark(#55605b, #9fb0a8); --line: light-dark(#d9d6cd, #2b3632); --jade: light-dark(#0f7a5a, #4fc9a0); }
* { box-sizing: border-box }
body { margin: 0; background: var(--paper); color: var(--ink); line-height: 1.6; word-break: keep-all;
  font-family: Pretendard, "Apple SD Gothic Neo", "Malgun Gothic", "Noto Sans KR", system-ui, sans-serif }
main { max-width: 34rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem }
h1 { font-size: 1.6rem; line-height: 1.3; margin: 0 0 .75rem }
h2 { font-size: 1rem; margin: 2rem 0 .25rem }
p, ol { margin: .25rem 0 } ol { padding-left: 1.3rem }
a { color: var(--jade) }
.go { display: block; margin: 1.5rem 0; padding: 1rem; border-radius: 14px; text-align: center; font-weight: 600;
  font-size: 1.1rem; text-decoration: none; background: light-dark(#0f7a5a, #4fc9a0); color: light-dark(#fff, #08130f) }
a:focus-visible { outline: 3px solid var(--ink); outline-offset: 3px }
code { display: block; overflow-wrap: anywhere; padding: .75rem; border: 1px solid var(--line); border-radius: 10px;
  font-size: .85rem; font-variant-numeric: tabular-nums }
.quiet { color: var(--quiet); font-size: .92rem }
`;

/** For the content security policy of the page. */
export const ONE_MORE_STEP_STYLE_HASH: string = createHash("sha256").update(STYLE).digest("base64");

const TEXTS: Readonly<Record<Language, Texts>> = {
  en: {
    title: "One more step",
    why: "This address is not encrypted, so your browser keeps camera and microphone locked. The encrypted address is one tap away.",
    whyWarning:
      "Your browser will warn you first. That is expected: it does not know this server yet, because its certificate was made on the server itself and not by a company.",
    buttonsTitle: "What to press",
    continueSecurely: "Continue securely",
    fingerprintTitle: "To be sure it is this server",
    fingerprintHint:
      "Compare this SHA-256 fingerprint with the one on the screen where the server runs. In the warning, your browser shows it under the certificate's details.",
    installTitle: "No more warnings",
    installHint:
      "Install this server's certificate once. It is good for this server and other private addresses only, never for sites on the internet.",
    install: "Install this server's certificate",
  },
  ko: {
    title: "한 단계만 더",
    why: "지금 주소는 암호화되지 않아서 브라우저가 카메라와 마이크를 잠가 둡니다. 암호화된 주소로 한 번만 옮겨 가면 됩니다.",
    whyWarning:
      "먼저 브라우저가 경고를 보여 줍니다. 정상입니다. 인증서를 회사가 아니라 이 서버가 직접 만들었기 때문에 브라우저가 아직 이 서버를 모릅니다.",
    buttonsTitle: "누를 버튼",
    continueSecurely: "안전하게 계속하기",
    fingerprintTitle: "이 서버가 맞는지 확인하려면",
    fingerprintHint:
      "아래 SHA-256 지문을 서버를 실행한 화면의 지문과 비교하세요. 브라우저 경고 화면의 인증서 정보에서 볼 수 있습니다.",
    installTitle: "경고를 다시 보지 않으려면",
    installHint:
      "이 서버의 인증서를 한 번만 설치하세요. 이 서버와 사설 주소에만 쓸 수 있고, 인터넷의 다른 사이트에는 쓸 수 없습니다.",
    install: "이 서버의 인증서 설치",
  },
};

/** The buttons of each browser's warning, in its own words. */
const BUTTONS: Readonly<Record<Language, Readonly<Record<Browser, readonly string[]>>>> = {
  en: {
    chromium: ["“Advanced”", "“Proceed to … (unsafe)” or “Continue to …”"],
    firefox: ["“Advanced…”", "“Accept the Risk and Continue”"],
    safari: ["“Show Details”", "“visit this website”", "“Visit Website”"],
  },
  ko: {
    chromium: ["‘고급’", "‘…(으)로 이동(안전하지 않음)’ 또는 ‘계속’"],
    firefox: ["‘고급…’", "‘위험을 감수하고 계속’"],
    safari: ["‘세부사항 보기’", "‘이 웹 사이트 방문’", "‘웹 사이트 방문’"],
  },
};

/** The page for somebody who came by plain HTTP from another machine: why, and where to go on. */
export function oneMoreStepPage(step: OneMoreStep): string {
  const texts = TEXTS[step.language];
  const buttons = BUTTONS[step.language][browserOf(step.userAgent)];
  const warning = step.isLocal
    ? html`<p>${texts.whyWarning}</p>
<h2>${texts.buttonsTitle}</h2>
<ol>${buttons.map((button) => html`<li>${button}</li>`)}</ol>`
    : "";
  const identity =
    step.fingerprint === undefined
      ? ""
      : html`<h2>${texts.fingerprintTitle}</h2>
<p class="quiet">${texts.fingerprintHint}</p>
<code>${step.fingerprint.split(":").map((pair, i) => html`${i === 0 ? "" : ":"}<wbr>${pair}`)}</code>`;
  // Over the encrypted address: whoever compared the fingerprint there knows whose certificate it is.
  const install = step.isLocal
    ? html`<h2>${texts.installTitle}</h2>
<p class="quiet">${texts.installHint}</p>
<p><a href="${new URL("/ca.crt", step.secureUrl).href}">${texts.install}</a></p>`
    : "";
  const page = html`<!doctype html>
<html lang="${step.language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${texts.title} · naru</title>
<style>${raw(STYLE)}</style>
</head>
<body>
<main>
<h1>${texts.title}</h1>
<p>${texts.why}</p>
<a class="go" href="${step.secureUrl}">${texts.continueSecurely}</a>
${warning}
${identity}
${install}
</main>
</body>
</html>
`;
  return String(page);
}

function browserOf(userAgent: string): Browser {
  // Every browser on iOS shows Safari's warning.
  if (/iphone|ipad/i.test(userAgent)) return "safari";
  if (/firefox/i.test(userAgent)) return "firefox";
  // Chromium names Safari too, but not the other way round.
  return /safari/i.test(userAgent) && !/chrom|android/i.test(userAgent) ? "safari" : "chromium";
}
