import { type IncomingMessage, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { WEBSOCKET_SUBPROTOCOL } from "../protocol/index.ts";
import type { SignalingServerOptions } from "./options.ts";

/** Why an upgrade is refused, as an HTTP status. */
export interface UpgradeRefusal {
  readonly status: 400 | 403 | 429 | 503;
  readonly problem: string;
}

/** The path of a request, without its query. */
export function pathOf(request: IncomingMessage): string {
  return (request.url ?? "/").split("?", 1)[0] ?? "/";
}

/** The host a client used, as in a URL and without the port, or undefined when it is no host. */
export function hostOf(request: IncomingMessage): string | undefined {
  const host = (request.headers.host ?? "").toLowerCase();
  const match = /^([a-z0-9._-]{1,253}|\[[0-9a-f:.]{2,45}\])(?::\d{1,5})?$/.exec(host);
  return match?.[1];
}

/** Whether the page that opens the connection may, and the subprotocol is ours. */
export function checkUpgrade(
  request: IncomingMessage,
  allowedOrigins: NonNullable<SignalingServerOptions["allowedOrigins"]>,
): UpgradeRefusal | undefined {
  const { origin, host } = request.headers;
  if (origin !== undefined && !isAllowedOrigin(origin, host, allowedOrigins)) {
    return { status: 403, problem: "pages of this origin may not connect" };
  }
  const offered = request.headers["sec-websocket-protocol"]?.split(",").map((name) => name.trim()) ?? [];
  if (!offered.includes(WEBSOCKET_SUBPROTOCOL)) {
    return { status: 400, problem: `expected the WebSocket subprotocol ${WEBSOCKET_SUBPROTOCOL}` };
  }
  return undefined;
}

/** Answers an upgrade with an HTTP error and closes. */
export function refuseUpgrade(socket: Duplex, refusal: UpgradeRefusal): void {
  // The other side may be gone already; there is nobody to tell.
  socket.on("error", () => undefined);
  socket.once("finish", () => socket.destroy());
  socket.end(
    `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status] ?? ""}\r\n` +
      "Connection: close\r\nContent-Type: text/plain; charset=utf-8\r\n" +
      `Content-Length: ${Buffer.byteLength(refusal.problem)}\r\n\r\n${refusal.problem}`,
  );
}

/**
 * What limits count by: an IPv4 address whole, also when mapped into IPv6; of an IPv6 address the /64, which is
 * what one subscriber has at least.
 */
export function addressGroup(address: string): string {
  const plain = address.toLowerCase().split("%", 1)[0] ?? "";
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(plain);
  if (mapped?.[1] !== undefined) return mapped[1];
  if (!plain.includes(":")) return plain;
  const [left = "", right] = plain.split("::", 2);
  const head = left === "" ? [] : left.split(":");
  const tail = right === undefined || right === "" ? [] : right.split(":");
  const zeros = right === undefined ? 0 : Math.max(0, 8 - head.length - tail.length);
  const groups = [...head, ...new Array<string>(zeros).fill("0"), ...tail];
  return groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ""))
    .join(":");
}

function isAllowedOrigin(
  origin: string,
  host: string | undefined,
  allowed: NonNullable<SignalingServerOptions["allowedOrigins"]>,
): boolean {
  if (allowed === "any") return true;
  if (allowed !== "sameHost" && allowed.includes(origin)) return true;
  if (host === undefined || !URL.canParse(origin)) return false;
  // WHATWG URL §4.2: `host` leaves out the default port of the scheme, which a client may have sent all the same.
  const page = new URL(origin);
  const defaultPort = page.protocol === "https:" ? ":443" : ":80";
  const requested = host.toLowerCase();
  return page.host !== "" && (requested === page.host || requested === page.host + defaultPort);
}
