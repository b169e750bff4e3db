/** Headers of every answer. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  "X-Content-Type-Options": "nosniff",
  // The path holds the name of the room, which is its key.
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "X-Frame-Options": "DENY",
  // Room addresses are for those who were given them.
  "X-Robots-Tag": "noindex, nofollow",
  "Permissions-Policy": [
    ...["camera", "microphone", "display-capture", "speaker-selection", "autoplay", "fullscreen"].map(
      allowSelf,
    ),
    ...["picture-in-picture", "screen-wake-lock", "clipboard-write"].map(allowSelf),
    ...["geolocation", "payment", "usb", "serial", "hid", "bluetooth", "midi"].map((name) => `${name}=()`),
  ].join(", "),
};

/** The content security policy of answers that are no page. */
export const NO_CONTENT_POLICY = "default-src 'none'; frame-ancestors 'none'";

/**
 * The content security policy of the application: everything from this server, nothing from anywhere else.
 *
 * @param host - Host and port of the request. `'self'` does not cover WebSockets in every browser, so they are named.
 */
export function appContentSecurityPolicy(host: string | undefined): string {
  const sockets = host === undefined ? "" : ` ws://${host} wss://${host}`;
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data: blob:",
    "font-src 'self'",
    "media-src 'self' blob: mediastream:",
    `connect-src 'self'${sockets}`,
    "worker-src 'self' blob:",
    "manifest-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

/**
 * The policy of a page that is one piece of HTML: no scripts, no network, its own style only.
 *
 * @param styleHash - SHA-256 of its style element's content, base64.
 */
export function pageContentSecurityPolicy(styleHash: string): string {
  return [
    "default-src 'none'",
    `style-src 'sha256-${styleHash}'`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

function allowSelf(name: string): string {
  return `${name}=(self)`;
}
