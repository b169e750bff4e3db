import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { ONE_MORE_STEP_STYLE_HASH, type OneMoreStep, oneMoreStepPage } from "./one-more-step.ts";

const STEP: OneMoreStep = {
  language: "en",
  secureUrl: "https://192.168.0.12:8443/r/brave-otter-4821",
  fingerprint: "3F:A1",
  isLocal: true,
  userAgent: "Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 Chrome/156.0 Mobile Safari/537.36",
};

/** What people read, line by line. */
function readable(step: Partial<OneMoreStep>): string {
  const page = oneMoreStepPage({ ...STEP, ...step });
  const body = page.slice(page.indexOf("<main>"));
  return body
    .replaceAll("<wbr>", "")
    .replace(/<a [^>]*href="([^"]*)"[^>]*>/g, "[$1] ")
    .replace(/<[^>]+>/g, "\n")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .join("\n");
}

describe("the page for somebody who came without encryption", () => {
  test("says in English why, where to go on, what to press and what to compare", () => {
    expect(readable({})).toMatchInlineSnapshot(`
      "One more step
      This address is not encrypted, so your browser keeps camera and microphone locked. The encrypted address is one tap away.
      [https://192.168.0.12:8443/r/brave-otter-4821] Continue securely
      Your browser will warn you first. That is expected: it does not know this server yet, because its certificate was made on the server itself and not by a company.
      What to press
      “Advanced”
      “Proceed to … (unsafe)” or “Continue to …”
      To be sure it is this server
      Compare this SHA-256 fingerprint with the one on the screen where the server runs. In the warning, your browser shows it under the certificate&#39;s details.
      3F:A1
      No more warnings
      Install this server&#39;s certificate once. It is good for this server and other private addresses only, never for sites on the internet.
      [https://192.168.0.12:8443/ca.crt] Install this server&#39;s certificate"
    `);
  });

  test("says the same in Korean", () => {
    expect(readable({ language: "ko" })).toMatchInlineSnapshot(`
      "한 단계만 더
      지금 주소는 암호화되지 않아서 브라우저가 카메라와 마이크를 잠가 둡니다. 암호화된 주소로 한 번만 옮겨 가면 됩니다.
      [https://192.168.0.12:8443/r/brave-otter-4821] 안전하게 계속하기
      먼저 브라우저가 경고를 보여 줍니다. 정상입니다. 인증서를 회사가 아니라 이 서버가 직접 만들었기 때문에 브라우저가 아직 이 서버를 모릅니다.
      누를 버튼
      ‘고급’
      ‘…(으)로 이동(안전하지 않음)’ 또는 ‘계속’
      이 서버가 맞는지 확인하려면
      아래 SHA-256 지문을 서버를 실행한 화면의 지문과 비교하세요. 브라우저 경고 화면의 인증서 정보에서 볼 수 있습니다.
      3F:A1
      경고를 다시 보지 않으려면
      이 서버의 인증서를 한 번만 설치하세요. 이 서버와 사설 주소에만 쓸 수 있고, 인터넷의 다른 사이트에는 쓸 수 없습니다.
      [https://192.168.0.12:8443/ca.crt] 이 서버의 인증서 설치"
    `);
  });

  test("says nothing of warnings where the certificate is one that browsers know", () => {
    expect(readable({ isLocal: false, fingerprint: undefined })).toMatchInlineSnapshot(`
      "One more step
      This address is not encrypted, so your browser keeps camera and microphone locked. The encrypted address is one tap away.
      [https://192.168.0.12:8443/r/brave-otter-4821] Continue securely"
    `);
  });

  test.each([
    ["Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/156.0 Safari/537.36 Edg/156.0", "Advanced"],
    [
      "Mozilla/5.0 (Macintosh; Intel Mac OS X 15) AppleWebKit/605.1.15 Version/19.0 Safari/605.1.15",
      "Show Details",
    ],
    ["Mozilla/5.0 (iPad; CPU OS 19_0 like Mac OS X) FxiOS/153.0 Safari/605.1.15", "Show Details"],
    ["Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0", "Accept the Risk"],
    ["", "Advanced"],
  ])("names the buttons of %s", (userAgent, button) => {
    expect(readable({ userAgent })).toContain(button);
  });

  test("has the style that its policy allows, and no script", () => {
    const page = oneMoreStepPage(STEP);
    const style = /<style>([\s\S]*?)<\/style>/.exec(page)?.[1] ?? "";
    expect(createHash("sha256").update(style).digest("base64")).toBe(ONE_MORE_STEP_STYLE_HASH);
    expect(page).not.toMatch(/<script|style="| on\w+="/);
  });

  test("escapes what came with the request", () => {
    const page = oneMoreStepPage({ ...STEP, secureUrl: 'https://x/"><script>alert(1)</script>' });
    expect(page).toContain("https://x/&quot;&gt;&lt;script&gt;");
  });
});
