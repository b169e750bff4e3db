import { describe, expect, test } from "vitest";
import { linkify } from "./linkify.ts";

function links(text: string): readonly string[] {
  return linkify(text).flatMap((part) => part.href ?? []);
}

describe("linkify", () => {
  test("finds web addresses and leaves every character in place", () => {
    const text = "see https://a.example/x and http://b.example, thanks";
    expect(links(text)).toEqual(["https://a.example/x", "http://b.example"]);
    expect(
      linkify(text)
        .map((part) => part.text)
        .join(""),
    ).toBe(text);
  });

  test("nothing but web addresses becomes a link", () => {
    for (const text of ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "www.example.com"]) {
      expect(links(text)).toEqual([]);
    }
  });

  test("punctuation after a link belongs to the sentence", () => {
    expect(links("(https://a.example/x).")).toEqual(["https://a.example/x"]);
    expect(links("https://a.example/Foo_(bar)!")).toEqual(["https://a.example/Foo_(bar)"]);
    expect(links("주소는 https://a.example/나루。")).toEqual(["https://a.example/나루"]);
  });

  test("a Korean particle after a link belongs to the sentence, a Korean path to the link", () => {
    expect(links("https://a.example/x에서 만나요")).toEqual(["https://a.example/x"]);
    expect(links("https://a.example/로 오세요, https://b.example/7입니다.")).toEqual([
      "https://a.example/",
      "https://b.example/7",
    ]);
    expect(links("https://a.example/나루에 https://a.example/맑은-도로")).toEqual([
      "https://a.example/나루에",
      "https://a.example/맑은-도로",
    ]);
  });

  test("what only looks like an address stays text", () => {
    expect(linkify("http://")).toEqual([{ text: "http://" }]);
  });
});
