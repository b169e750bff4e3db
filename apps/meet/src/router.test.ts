import { afterEach, describe, expect, test, vi } from "vitest";
import { parseUrlOptions } from "./preferences.ts";
import { checkUrl, openLanding, openRoom, route, routeOf, startRouter } from "./router.ts";
import { urlOptions } from "./store.ts";

test("paths name the start page, a room, or nothing", () => {
  expect(routeOf("/")).toEqual({ page: "landing" });
  expect(routeOf("/r/brave-otter-4271")).toEqual({ page: "room", room: "brave-otter-4271" });
  expect(routeOf("/r/%EB%A7%91%EC%9D%80-%EB%82%98%EB%A3%A8-1234")).toEqual({
    page: "room",
    room: "맑은-나루-1234",
  });
  expect(routeOf("/check")).toEqual({ page: "check" });
  expect(routeOf("/r/")).toEqual({ page: "notFound" });
  expect(routeOf("/elsewhere")).toEqual({ page: "notFound" });
});

test("the check of a room carries the room, and the token when there is one", () => {
  expect(checkUrl("맑은-나루", undefined)).toBe("/check?room=%EB%A7%91%EC%9D%80-%EB%82%98%EB%A3%A8");
  expect(checkUrl("a", "x.y&z")).toBe("/check?room=a&token=x.y%26z");
});

describe("going on to another page", () => {
  afterEach(() => vi.unstubAllGlobals());

  /** Just enough of a window to move in. */
  function openAt(path: string): { goTo(path: string): void } {
    const listeners: (() => void)[] = [];
    const place = { pathname: "", search: "" };
    const move = (to: string): void => {
      const { pathname, search } = new URL(to, "https://meet.example.com");
      Object.assign(place, { pathname, search });
    };
    move(path);
    vi.stubGlobal("location", place);
    vi.stubGlobal("history", { pushState: (_state: unknown, _title: string, to: string) => move(to) });
    vi.stubGlobal("addEventListener", (_type: string, listener: () => void) => listeners.push(listener));
    vi.stubGlobal("scrollTo", () => undefined);
    urlOptions.value = parseUrlOptions(place.search);
    startRouter();
    return {
      goTo(to) {
        move(to);
        for (const listener of listeners) listener();
      },
    };
  }

  test("token, name, devices and joining at once stay behind; language and colours come along", () => {
    openAt("/r/a?join=1&token=T&name=Mina&mic=1&cam=0&lang=ko&theme=dark");
    openLanding();
    openRoom("b");
    expect(route.peek()).toEqual({ page: "room", room: "b" });
    expect(urlOptions.peek()).toEqual({ ...parseUrlOptions(""), locale: "ko", theme: "dark" });
  });

  test("back in the room, its token is there again, and nobody joins by themselves", () => {
    const page = openAt("/r/a?join=1&token=T");
    openLanding();
    page.goTo("/r/a?join=1&token=T");
    expect(urlOptions.peek()).toMatchObject({ token: "T", join: false });
  });
});
