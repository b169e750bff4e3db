import { type ReadonlySignal, signal } from "@preact/signals";
import { parseRoomName, roomPath } from "./model/room-name.ts";
import { optionsElsewhere, parseUrlOptions } from "./preferences.ts";
import { urlOptions } from "./store.ts";

/** Which page the address names. */
export type Route =
  | { readonly page: "landing" }
  | { readonly page: "check" }
  | { readonly page: "room"; readonly room: string }
  | { readonly page: "notFound" };

const CHECK_PATH = "/check";
const current = signal<Route>({ page: "landing" });

/** The page of the current address. */
export const route: ReadonlySignal<Route> = current;

/** Follows the address from now on. */
export function startRouter(): void {
  current.value = routeOf(location.pathname);
  addEventListener("popstate", () => {
    // The token of the room one comes back to is needed again; only the first visit joins by itself.
    urlOptions.value = { ...parseUrlOptions(location.search), join: false };
    current.value = routeOf(location.pathname);
  });
}

/** Goes to a room's page. */
export function openRoom(name: string): void {
  navigate(roomPath(name));
}

/** Goes to the start page. */
export function openLanding(): void {
  navigate("/");
}

/** Goes to the connection check. */
export function openCheck(): void {
  navigate(CHECK_PATH);
}

/** Address of the check for a room; the server asks for the token of that room where it asks for one at all. */
export function checkUrl(room: string, token: string | undefined): string {
  const query = new URLSearchParams({ room, ...(token === undefined ? {} : { token }) });
  return `${CHECK_PATH}?${query}`;
}

/** The page a path names. */
export function routeOf(path: string): Route {
  if (path === "/" || path === "") return { page: "landing" };
  if (path === CHECK_PATH) return { page: "check" };
  const room = /^\/r\/[^/]/.test(path) ? parseRoomName(path) : undefined;
  return room === undefined ? { page: "notFound" } : { page: "room", room };
}

function navigate(path: string): void {
  history.pushState(undefined, "", path);
  // Above all the token and the joining at once were for the page they came with.
  urlOptions.value = optionsElsewhere(urlOptions.peek());
  current.value = routeOf(location.pathname);
  scrollTo(0, 0);
}
