import { request } from "node:https";
import { TLSSocket } from "node:tls";

/** How long the server may take to answer itself, in milliseconds. */
const TIMEOUT_MS = 3_000;

/**
 * Asks the server for its health over HTTPS at one of this machine's addresses, and looks whether it shows the
 * certificate that it should.
 *
 * @param fingerprint - SHA-256 of that certificate.
 * @returns what is wrong, in words; undefined when all is well.
 */
export function checkHttps(host: string, port: number, fingerprint: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const outgoing = request(
      // The certificate is compared itself, which proves more than any chain: it may be of our own authority.
      { host, port, path: "/healthz", rejectUnauthorized: false, agent: false, timeout: TIMEOUT_MS },
      (response) => {
        response.resume();
        resolve(response.statusCode === 200 ? undefined : `HTTP status ${response.statusCode}`);
      },
    );
    outgoing.on("socket", (socket) => {
      socket.once("secureConnect", () => {
        if (socket instanceof TLSSocket && socket.getPeerX509Certificate()?.fingerprint256 === fingerprint)
          return;
        outgoing.destroy(new Error("another program answers with another certificate"));
      });
    });
    outgoing.on("timeout", () => outgoing.destroy(new Error("no answer")));
    outgoing.on("error", (error) => resolve(error.message));
    outgoing.end();
  });
}
