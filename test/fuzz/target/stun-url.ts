import { IpAddress } from "@naru/webrtc/bytes";
import { safeParseStunUrl } from "@naru/webrtc/stun";

const decoder = new TextDecoder();
const MAX_PROBLEM_LENGTH = 1_000;

/** A URL as it comes from an application: its parts make the same URL again, and what is wrong is said briefly. */
export function target(bytes: Uint8Array): void {
  const url = safeParseStunUrl(decoder.decode(bytes));
  if (typeof url === "string") {
    if (url.length > MAX_PROBLEM_LENGTH) throw new Error(`${url.length} characters about a wrong URL`);
    return;
  }
  const { scheme, host, ip, port, transport } = url;
  if (ip !== undefined && IpAddress.parse(host)?.equals(ip) !== true) throw new Error(`${host} is not ${ip}`);
  const hasQuery = scheme.startsWith("turn");
  const query = transport === "udp" || transport === "dtls" ? "?transport=udp" : "?transport=tcp";
  const text = `${scheme}:${host.includes(":") ? `[${host}]` : host}:${port}${hasQuery ? query : ""}`;
  const again = safeParseStunUrl(text);
  if (
    typeof again === "string" ||
    again.host !== host ||
    again.port !== port ||
    again.transport !== transport
  ) {
    throw new Error(`${text} is read in two ways`);
  }
}
