import { expect, test } from "vitest";
import { routeOf } from "./router.ts";

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
