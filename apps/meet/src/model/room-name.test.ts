import { describe, expect, test } from "vitest";
import { generateRoomName, MAX_ROOM_NAME_LENGTH, parseRoomName, roomPath } from "./room-name.ts";
import { ENGLISH_FIRST, ENGLISH_SECOND, KOREAN_FIRST, KOREAN_SECOND } from "./room-words.ts";

describe("generateRoomName", () => {
  test("is two words and four digits, in the language asked for", () => {
    expect(generateRoomName("en")).toMatch(/^[a-z]+-[a-z]+-[1-9]\d{3}$/);
    expect(generateRoomName("ko")).toMatch(/^[가-힣]+-[가-힣]+-[1-9]\d{3}$/);
  });

  test("uses the first and the last of everything it may draw", () => {
    expect(generateRoomName("en", () => 0)).toBe(`${ENGLISH_FIRST[0]}-${ENGLISH_SECOND[0]}-1000`);
    expect(generateRoomName("ko", (below) => below - 1)).toBe(
      `${KOREAN_FIRST.at(-1)}-${KOREAN_SECOND.at(-1)}-9999`,
    );
  });

  test("names are worth at least 27 bits in both languages", () => {
    expect(Math.log2(unique(ENGLISH_FIRST) * unique(ENGLISH_SECOND) * 9000)).toBeGreaterThan(27);
    expect(Math.log2(unique(KOREAN_FIRST) * unique(KOREAN_SECOND) * 9000)).toBeGreaterThan(27);
  });

  test("survives being parsed again", () => {
    for (let i = 0; i < 50; i++) {
      const name = generateRoomName(i % 2 === 0 ? "en" : "ko");
      expect(parseRoomName(name)).toBe(name);
      expect(parseRoomName(`https://meet.example.com${roomPath(name)}?lang=ko`)).toBe(name);
    }
  });
});

describe("parseRoomName", () => {
  test("takes what people type and makes a name of it", () => {
    expect(parseRoomName("  Team Meeting! ")).toBe("team-meeting");
    expect(parseRoomName("맑은 나루")).toBe("맑은-나루");
    expect(parseRoomName("a__b--c-")).toBe("a-b-c");
  });

  test("finds the name in a link, encoded or not", () => {
    expect(parseRoomName("https://x.example/r/brave-otter-4271")).toBe("brave-otter-4271");
    expect(parseRoomName("http://localhost:8443/r/%EB%82%98%EB%A3%A8#top")).toBe("나루");
    expect(parseRoomName("/r/100%")).toBe("100");
  });

  test("gives decomposed Hangul one form, so that every keyboard meets in the same room", () => {
    expect(parseRoomName("나루".normalize("NFD"))).toBe("나루");
  });

  test("is undefined when nothing usable is left", () => {
    for (const text of ["", "   ", "///", "!?", "-"]) expect(parseRoomName(text)).toBeUndefined();
  });

  test("is bounded", () => {
    expect(parseRoomName("a".repeat(10_000))?.length).toBe(MAX_ROOM_NAME_LENGTH);
  });
});

function unique(words: readonly string[]): number {
  return new Set(words).size;
}

test("vowel signs are part of a word", () => {
  expect(parseRoomName("हिन्दी")).toBe("हिन्दी");
});
