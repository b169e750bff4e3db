import type { Language } from "../http/languages.ts";

/** Words of the start screen. */
export interface ScreenMessages {
  readonly ready: (seconds: string) => string;
  readonly cores: (count: number) => string;
  readonly thisComputer: string;
  readonly network: string;
  readonly noNetwork: string;
  readonly firstRoom: string;
  readonly stun: string;
  readonly stunAndTurn: string;
  readonly stunOff: string;
  readonly https: string;
  readonly answers: (addresses: number) => string;
  readonly broken: (address: string, problem: string) => string;
  readonly certificate: string;
  readonly ownCertificate: (until: string) => string;
  readonly givenCertificate: (until: string) => string;
  readonly trustHint: string;
  readonly appMissing: string;
  readonly fewFiles: (limit: number, wanted: number) => string;
  readonly press: string;
  readonly keys: readonly (readonly [key: string, action: string])[];
  readonly opening: (url: string) => string;
  readonly cannotOpen: (url: string) => string;
}

export const SCREEN_MESSAGES: Readonly<Record<Language, ScreenMessages>> = {
  en: {
    ready: (seconds) => `ready in ${seconds} s`,
    cores: (count) => (count === 1 ? "1 core" : `${count} cores`),
    thisComputer: "On this computer",
    network: "On your network",
    noNetwork: "no network found; only this computer can connect",
    firstRoom: "First room",
    stun: "STUN",
    stunAndTurn: "STUN, TURN",
    stunOff: "switched off",
    https: "HTTPS",
    answers: (addresses) => (addresses === 1 ? "answers on 1 address" : `answers on ${addresses} addresses`),
    broken: (address, problem) => `does not work on ${address}: ${problem}`,
    certificate: "Certificate",
    ownCertificate: (until) => `made for this machine, valid until ${until}`,
    givenCertificate: (until) => `yours, valid until ${until}`,
    trustHint: "phones warn once · on this computer: npm run trust",
    appMissing: "the web application is not built: npm run build",
    fewFiles: (limit, wanted) =>
      `the system allows ${limit} open files, and ${wanted} connections may come: ulimit -n ${wanted * 2}`,
    press: "press",
    keys: [
      ["o", "open"],
      ["q", "big QR"],
      ["l", "한국어"],
      ["ctrl-c", "stop"],
    ],
    opening: (url) => `opening ${url}`,
    cannotOpen: (url) => `no browser found here; open ${url} yourself`,
  },
  ko: {
    ready: (seconds) => `${seconds}초 만에 준비됨`,
    cores: (count) => `코어 ${count}개`,
    thisComputer: "이 컴퓨터에서",
    network: "같은 네트워크에서",
    noNetwork: "네트워크가 없어 이 컴퓨터에서만 접속할 수 있습니다",
    firstRoom: "첫 번째 방",
    stun: "STUN",
    stunAndTurn: "STUN, TURN",
    stunOff: "꺼져 있음",
    https: "HTTPS",
    answers: (addresses) => `주소 ${addresses}개에서 응답함`,
    broken: (address, problem) => `${address}에서 쓸 수 없음: ${problem}`,
    certificate: "인증서",
    ownCertificate: (until) => `이 컴퓨터용으로 만듦, ${until}까지 유효`,
    givenCertificate: (until) => `직접 지정한 인증서, ${until}까지 유효`,
    trustHint: "휴대폰은 한 번 경고함 · 이 컴퓨터에서는: npm run trust",
    appMissing: "웹 앱이 아직 빌드되지 않았습니다: npm run build",
    fewFiles: (limit, wanted) =>
      `열 수 있는 파일이 ${limit}개뿐인데 연결은 ${wanted}개까지 올 수 있습니다: ulimit -n ${wanted * 2}`,
    press: "키",
    keys: [
      ["o", "열기"],
      ["q", "큰 QR"],
      ["l", "English"],
      ["ctrl-c", "끝내기"],
    ],
    opening: (url) => `${url} 여는 중`,
    cannotOpen: (url) => `브라우저를 찾지 못했습니다. 직접 ${url} 주소를 여세요`,
  },
};

/** The language to greet in: the configured one, or that of the environment (POSIX locale names). */
export function screenLanguage(
  configured: "auto" | Language,
  environment: Readonly<Record<string, string | undefined>>,
): Language {
  if (configured !== "auto") return configured;
  const locale = environment["LC_ALL"] || environment["LC_MESSAGES"] || environment["LANG"] || "";
  return /^ko\b|^ko_/i.test(locale) ? "ko" : "en";
}
