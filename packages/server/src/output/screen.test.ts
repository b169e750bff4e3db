import { describe, expect, test } from "vitest";
import { displayWidth } from "./display-width.ts";
import { screenLanguage } from "./messages.ts";
import { createPaint, hasColours } from "./paint.ts";
import { randomRoomName, roomNameCount } from "./room-name.ts";
import { bigQrCode, type ScreenFacts, startScreen } from "./screen.ts";

const FACTS: ScreenFacts = {
  version: "1.2.3",
  nodeVersion: "20.19.0",
  cores: 2,
  readyMs: 940,
  urls: {
    local: "http://localhost:8443",
    network: ["https://192.168.0.12:8443", "https://laptop.local:8443"],
    invitation: "http://192.168.0.12:8443",
  },
  port: 8443,
  room: "brave-otter-4821",
  hasStun: true,
  hasTurn: true,
  hasApp: true,
  checks: [
    { address: "127.0.0.1", https: undefined, stun: undefined },
    { address: "192.168.0.12", https: undefined, stun: "no answer" },
  ],
  certificate: {
    fingerprint: Array.from({ length: 32 }, (_, i) => (i + 16).toString(16).toUpperCase()).join(":"),
    validUntil: new Date("2027-02-18T00:00:00Z"),
    isOwn: true,
  },
  fewFiles: undefined,
  isInteractive: false,
};

const PLAIN = createPaint(false);
const NARROW = { columns: 80, rows: 24 };

function screen(facts: Partial<ScreenFacts> = {}, language: "en" | "ko" = "en", size = NARROW): string[] {
  return startScreen({ ...FACTS, ...facts }, language, PLAIN, size);
}

describe("the start screen", () => {
  test("says in English where to connect, what was tested and what to compare", () => {
    expect(screen().join("\n")).toMatchInlineSnapshot(`
      "
        naru 1.2.3   ready in 0.9 s   Node 20.19.0 · 2 cores

        On this computer    http://localhost:8443
        On your network     https://192.168.0.12:8443
                            https://laptop.local:8443
        First room          http://localhost:8443/r/brave-otter-4821

        HTTPS               TCP 8443   ✔ answers on 2 addresses
        STUN, TURN          UDP 8443   ✔ answers on 1 address
                            UDP 8443   ✖ does not work on 192.168.0.12: no answer
        Certificate         made for this machine, valid until 2027-02-18
        SHA-256             10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F:
                            20:21:22:23:24:25:26:27:28:29:2A:2B:2C:2D:2E:2F
                            phones warn once · on this computer: npm run trust
      "
    `);
  });

  test("says the same in Korean", () => {
    expect(screen({}, "ko").join("\n")).toMatchInlineSnapshot(`
      "
        naru 1.2.3   0.9초 만에 준비됨   Node 20.19.0 · 코어 2개

        이 컴퓨터에서       http://localhost:8443
        같은 네트워크에서   https://192.168.0.12:8443
                            https://laptop.local:8443
        첫 번째 방          http://localhost:8443/r/brave-otter-4821

        HTTPS               TCP 8443   ✔ 주소 2개에서 응답함
        STUN, TURN          UDP 8443   ✔ 주소 1개에서 응답함
                            UDP 8443   ✖ 192.168.0.12에서 쓸 수 없음: no answer
        인증서              이 컴퓨터용으로 만듦, 2027-02-18까지 유효
        SHA-256             10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F:
                            20:21:22:23:24:25:26:27:28:29:2A:2B:2C:2D:2E:2F
                            휴대폰은 한 번 경고함 · 이 컴퓨터에서는: npm run trust
      "
    `);
  });

  test("fits the terminal, with the QR code beside or below the text or left out", () => {
    const beside = screen({}, "en", { columns: 120, rows: 24 });
    const below = screen({}, "en", { columns: 80, rows: 50 });
    const without = screen({}, "en", NARROW);
    for (const [lines, columns] of [
      [beside, 120],
      [below, 80],
      [without, 80],
    ] as const) {
      for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(columns);
    }
    expect(beside.filter((line) => /On this computer.*█/.test(line))).toHaveLength(1);
    expect(below.some((line) => line.startsWith("  █"))).toBe(true);
    expect(without.join("")).not.toContain("█");
    expect(new Set(beside.filter((line) => line.includes("█")).map((line) => displayWidth(line))).size).toBe(
      1,
    );
  });

  test("warns of what is missing, and offers keys where they can be pressed", () => {
    const text = screen({
      hasApp: false,
      fewFiles: { limit: 256, wanted: 10_000 },
      isInteractive: true,
    }).join("\n");
    expect(text).toContain("! the web application is not built: npm run build");
    expect(text).toContain("! the system allows 256 open files");
    expect(text).toContain("press  o open · q big QR");
  });

  test("says that only this computer can connect where there is no network", () => {
    const text = screen({ urls: { local: "http://localhost:1", network: [], invitation: undefined } }, "en", {
      columns: 200,
      rows: 200,
    }).join("\n");
    expect(text).toContain("only this computer can connect");
    expect(text).not.toContain("█");
    expect(text).not.toContain("npm run trust");
  });

  test("has a QR code twice as large on request", () => {
    const lines = bigQrCode(FACTS, PLAIN);
    expect(lines.at(-2)).toBe("  http://192.168.0.12:8443/r/brave-otter-4821");
    expect(lines.length).toBeGreaterThan(30);
  });
});

test("room names are two words and four digits, of a hundred million and more, and can be said in both languages", () => {
  for (const language of ["en", "ko"] as const) {
    expect(roomNameCount(language)).toBeGreaterThan(100_000_000);
    const names = Array.from({ length: 50 }, () => randomRoomName(language));
    expect(new Set(names).size).toBe(50);
    for (const name of names)
      expect(name).toMatch(language === "en" ? /^[a-z]+-[a-z]+-\d{4}$/ : /^[가-힣]+-[가-힣]+-\d{4}$/);
  }
});

test("the language follows the configuration, then the locale", () => {
  expect(screenLanguage("ko", { LANG: "en_US.UTF-8" })).toBe("ko");
  expect(screenLanguage("auto", { LANG: "ko_KR.UTF-8" })).toBe("ko");
  expect(screenLanguage("auto", { LANG: "ko_KR.UTF-8", LC_ALL: "C" })).toBe("en");
  expect(screenLanguage("auto", { LANG: "kok_IN" })).toBe("en");
  expect(screenLanguage("auto", {})).toBe("en");
});

test("colours are for terminals that want them", () => {
  expect(hasColours({ isTTY: true }, {})).toBe(true);
  expect(hasColours({ isTTY: true }, { NO_COLOR: "1" })).toBe(false);
  expect(hasColours({ isTTY: true }, { TERM: "dumb" })).toBe(false);
  expect(hasColours({}, {})).toBe(false);
  expect(createPaint(true).red("x")).toBe("\u001b[31mx\u001b[39m");
});
