import { createPrivateKey, X509Certificate } from "node:crypto";
import type { Logger } from "@naru/webrtc/sansio";
import { z } from "zod";
import type { DataDirectory } from "../life/data-directory.ts";
import { AddressSet } from "../network/address-range.ts";
import { type LocalNames, PRIVATE_RANGES } from "../network/local-addresses.ts";
import { type Authority, createAuthority, type IssuedCertificate, issueCertificate } from "./authority.ts";
import { permits } from "./name-constraints.ts";

/** Name of the authority's certificate in the data folder: what people install. */
export const AUTHORITY_CERTIFICATE_FILE = "ca.crt";

const AUTHORITY_FILE = "authority.json";
const CERTIFICATE_FILE = "certificate.json";

const DAY_MS = 86_400_000;

/** A certificate with less time left than this is replaced. */
export const RENEW_BEFORE_MS: number = 30 * DAY_MS;

/** Addresses of networks visited before stay in the certificate, so that coming back needs no new one. */
const MAX_NAMES = 24;

/**
 * All that the authority may issue for, beside addresses: .local (RFC 6762 §3) and localhost (RFC 6761 §6.3). Not the machine's
 * bare name: a name constraint covers what is below it too (RFC 5280 §4.2.1.10), and a machine called `dev` would have an
 * authority for a top-level domain.
 */
const PERMITTED_DOMAINS = ["localhost", "local"];

/** Names by which every machine knows itself. */
const OWN_NAMES = ["localhost", "127.0.0.1", "::1"];

const issuedShape = z.object({ certificate: z.string(), privateKey: z.string() });
const authorityShape = issuedShape.extend({
  permitted: z.object({ domains: z.array(z.string()), ranges: z.array(z.string()) }),
});

/** What serves TLS now. */
export interface LocalIdentity {
  readonly authority: Authority;
  readonly issued: IssuedCertificate;
  /** False when the certificate of last time still serves. */
  readonly isNew: boolean;
  /** Names of this machine that the authority may not issue for. */
  readonly refused: readonly string[];
}

/**
 * The certificate of this machine, from its own authority. Both are kept in the data folder: the authority for
 * good, the certificate as long as it fits the machine's addresses and is not about to expire.
 */
export async function localIdentity(
  data: DataDirectory,
  names: LocalNames,
  now: Date,
  log: Logger,
): Promise<LocalIdentity> {
  const authority = await loadAuthority(data, names, now, log);
  const wanted = [
    ...OWN_NAMES,
    ...(names.hostname === undefined ? [] : [`${names.hostname}.local`]),
    ...names.addresses,
  ];
  const current = wanted.filter((name) => permits(authority.permitted, name));
  const refused = wanted.filter((name) => !permits(authority.permitted, name));
  const known = readStored(data, CERTIFICATE_FILE, issuedShape);
  const knownNames = known === undefined ? [] : usableNames(known, authority, now);
  if (known !== undefined && current.every((name) => knownNames.includes(name))) {
    return { authority, issued: known, isNew: false, refused };
  }
  const all = [...new Set([...current, ...knownNames])].slice(0, Math.max(MAX_NAMES, current.length));
  const issued = await issueCertificate(authority, all, now);
  data.write(CERTIFICATE_FILE, JSON.stringify(issued, undefined, 2));
  return { authority, issued, isNew: true, refused };
}

async function loadAuthority(
  data: DataDirectory,
  names: LocalNames,
  now: Date,
  log: Logger,
): Promise<Authority> {
  const known = readStored(data, AUTHORITY_FILE, authorityShape);
  const isNarrow = known?.permitted.domains.every((domain) => PERMITTED_DOMAINS.includes(domain)) ?? false;
  if (known !== undefined && isNarrow && isUsable(known, now)) return known;
  if (known !== undefined) log.warn("the certificate authority cannot be used any more: a new one is made");
  const isPrivate = new AddressSet(PRIVATE_RANGES);
  const authority = await createAuthority(
    `Naru on ${names.hostname ?? "this computer"} (made ${now.toISOString().slice(0, 10)})`,
    {
      domains: PERMITTED_DOMAINS,
      // Some networks number their machines from public space: the addresses of this moment are ours too.
      ranges: [...PRIVATE_RANGES, ...names.addresses.filter((address) => !isPrivate.has(address))],
    },
    now,
  );
  data.write(AUTHORITY_FILE, JSON.stringify(authority, undefined, 2));
  data.write(AUTHORITY_CERTIFICATE_FILE, authority.certificate);
  return authority;
}

/** The names in a certificate that may still be used; none when it may not. */
function usableNames(issued: IssuedCertificate, authority: Authority, now: Date): string[] {
  if (!isUsable(issued, new Date(now.getTime() + RENEW_BEFORE_MS))) return [];
  const certificate = new X509Certificate(issued.certificate);
  if (!certificate.checkIssued(new X509Certificate(authority.certificate))) return [];
  return (certificate.subjectAltName ?? "")
    .split(", ")
    .map((entry) => entry.replace(/^DNS:|^IP Address:/, ""))
    .map((name) => (name.includes(":") ? new URL(`http://[${name}]`).hostname.slice(1, -1) : name))
    .filter((name) => permits(authority.permitted, name));
}

/** Whether certificate and key belong together and the time is within their validity. */
function isUsable(pair: IssuedCertificate, at: Date): boolean {
  try {
    const certificate = new X509Certificate(pair.certificate);
    return (
      certificate.checkPrivateKey(createPrivateKey(pair.privateKey)) &&
      new Date(certificate.validTo).getTime() > at.getTime()
    );
  } catch {
    // Damaged by hand or by a disk: as good as none.
    return false;
  }
}

function readStored<T>(data: DataDirectory, name: string, shape: z.ZodType<T>): T | undefined {
  const content = data.read(name);
  if (content === undefined) return undefined;
  try {
    return shape.parse(JSON.parse(content));
  } catch {
    // Half-edited or from another version: it is made anew.
    return undefined;
  }
}
