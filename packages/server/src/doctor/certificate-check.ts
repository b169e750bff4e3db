import type { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { connect, rootCertificates } from "node:tls";
import { type Finding, finding } from "./finding.ts";

/** What a server shows. */
export interface ShownCertificate {
  readonly leaf: X509Certificate;
  /** Why it is not to be trusted; undefined when it is. */
  readonly problem: string | undefined;
  /** It is trusted because of an authority that people have to install. */
  readonly isOwn: boolean;
}

const TIMEOUT_MS = 4_000;
const DAY_MS = 86_400_000;
/** Automatic renewal comes a month before the end: less than two weeks means that it does not work. */
const SOON_DAYS = 14;

/** Shakes hands and looks at the certificate; rejects with the system's error. */
export async function fetchCertificate(
  host: string,
  port: number,
  authority: string | undefined,
): Promise<ShownCertificate> {
  const shown = await handshake(host, port, []);
  if (shown.problem === undefined || authority === undefined) return { ...shown, isOwn: false };
  const again = await handshake(host, port, [authority]);
  return { ...again, isOwn: again.problem === undefined };
}

/** Judges a certificate for the names under which people come. */
export function judgeCertificate(
  { leaf, problem, isOwn }: ShownCertificate,
  hosts: readonly string[],
  now: Date,
): readonly Finding[] {
  const [from, until] = [new Date(leaf.validFrom), new Date(leaf.validTo)];
  const day = (date: Date): string => date.toISOString().slice(0, 10);
  const names = (leaf.subjectAltName ?? "").replaceAll(/DNS:|IP Address:/g, "");
  const found: Finding[] = [];
  if (until < now) found.push(finding("certificate", "CERTIFICATE_EXPIRED", { until: day(until) }));
  if (from > now)
    found.push(finding("certificate", "CERTIFICATE_NOT_YET_VALID", { from: from.toISOString() }));
  for (const host of hosts) {
    const isNamed = (isIP(host) === 0 ? leaf.checkHost(host) : leaf.checkIP(host)) !== undefined;
    if (!isNamed) found.push(finding("certificate", "CERTIFICATE_WRONG_NAME", { host, names }));
  }
  // What the dates explain needs no second explanation.
  if (problem !== undefined && found.length === 0) {
    found.push(finding("certificate", "CERTIFICATE_UNTRUSTED", { problem }));
  }
  if (found.length > 0) return found;
  const days = Math.floor((until.getTime() - now.getTime()) / DAY_MS);
  if (days < SOON_DAYS) return [finding("certificate", "CERTIFICATE_EXPIRES", { until: day(until), days })];
  return [finding("certificate", isOwn ? "CERTIFICATE_OWN" : "CERTIFICATE_OK", { names, until: day(until) })];
}

function handshake(
  host: string,
  port: number,
  authorities: readonly string[],
): Promise<{ readonly leaf: X509Certificate; readonly problem: string | undefined }> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host,
      port,
      ...(isIP(host) === 0 && { servername: host }),
      rejectUnauthorized: false,
      // Names are judged apart from the chain.
      checkServerIdentity: () => undefined,
      ...(authorities.length > 0 && { ca: [...rootCertificates, ...authorities] }),
      timeout: TIMEOUT_MS,
    });
    socket.on("secureConnect", () => {
      const leaf = socket.getPeerX509Certificate();
      const { authorized, authorizationError } = socket;
      socket.destroy();
      if (leaf === undefined) reject(new Error("the server shows no certificate"));
      else resolve({ leaf, problem: authorized ? undefined : problemOf(authorizationError) });
    });
    socket.on("timeout", () => socket.destroy(new Error("no answer")));
    socket.on("error", reject);
  });
}

function problemOf(error: Error | string | undefined): string {
  if (error === undefined) return "unknown";
  return typeof error === "string" ? error : "code" in error ? `${error.code}` : error.message;
}
