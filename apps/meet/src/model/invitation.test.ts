import { expect, test } from "vitest";
import { invitationTo } from "./invitation.ts";

const NETWORK_URL = "https://192.168.0.12:8443";

test("the link is the room at the address of the page, without what only this visit asked for", () => {
  const page = new URL("https://meet.example.com/r/a?token=T&join=1");
  expect(invitationTo("brave-otter-4271", page, undefined)).toEqual({
    url: "https://meet.example.com/r/brave-otter-4271",
    localOnly: false,
  });
});

test.each(["http://localhost:8443/r/a", "http://127.0.0.1:8443/r/a", "http://[::1]:8443/r/a"])(
  "opened at %s, others get the address that they can open",
  (page) => {
    expect(invitationTo("a", new URL(page), NETWORK_URL)).toEqual({
      url: "https://192.168.0.12:8443/r/a",
      localOnly: false,
    });
    expect(invitationTo("a", new URL(page), undefined).localOnly).toBe(true);
  },
);

test("a page that others can open stays where it is", () => {
  const page = new URL("https://meet.example.com/r/a");
  expect(invitationTo("a", page, NETWORK_URL).url).toBe("https://meet.example.com/r/a");
});
