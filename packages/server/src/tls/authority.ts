// @peculiar/x509 resolves its parts through decorators, which need this first.
import "reflect-metadata";
import { createPrivateKey, randomBytes, webcrypto, X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsageExtension,
  Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate as X509CertificateBuilder,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { encodeNameConstraints, NAME_CONSTRAINTS_OID, type PermittedNames } from "./name-constraints.ts";

/** A certificate authority of this installation only. */
export interface Authority {
  /** PEM. */
  readonly certificate: string;
  /** PEM, PKCS #8. */
  readonly privateKey: string;
  readonly permitted: PermittedNames;
}

/** A server certificate with its key. */
export interface IssuedCertificate {
  /** PEM. */
  readonly certificate: string;
  /** PEM, PKCS #8. */
  readonly privateKey: string;
}

/** RFC 5280 §4.2.1.12: id-kp-serverAuth. */
const SERVER_AUTHENTICATION = "1.3.6.1.5.5.7.3.1";

const KEY_ALGORITHM = { name: "ECDSA", namedCurve: "P-256" };
const SIGNATURE_ALGORITHM = { name: "ECDSA", hash: "SHA-256" };
const DAY_MS = 86_400_000;

/** Clocks of phones and laptops disagree; a certificate is valid from a day ago. */
const CLOCK_SKEW_MS: number = DAY_MS;

export const AUTHORITY_DAYS = 3_650;

/** Short enough for every browser's limit, long enough that people accept it once and not every week. */
export const CERTIFICATE_DAYS = 90;

/**
 * Makes an authority. Whoever trusts it trusts it for the permitted names only, so a stolen key cannot be used
 * to pose as anything on the internet.
 *
 * @param name - How the authority appears in the lists of browsers and systems.
 */
export async function createAuthority(
  name: string,
  permitted: PermittedNames,
  now: Date,
): Promise<Authority> {
  const keys = await generateKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: [{ CN: [name] }],
    notBefore: new Date(now.getTime() - CLOCK_SKEW_MS),
    notAfter: new Date(now.getTime() + AUTHORITY_DAYS * DAY_MS),
    signingAlgorithm: SIGNATURE_ALGORITHM,
    keys,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      new ExtendedKeyUsageExtension([SERVER_AUTHENTICATION], false),
      // RFC 5280 §4.2.1.10: the extension MUST be critical.
      new Extension(NAME_CONSTRAINTS_OID, true, encodeNameConstraints(permitted)),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: certificate.toString("pem"), privateKey: await exportKey(keys), permitted };
}

/**
 * Issues a server certificate for host names and addresses, all of which the authority must permit: one that is
 * not makes the whole certificate invalid (RFC 5280 §6.1.3 (b)).
 */
export async function issueCertificate(
  authority: Authority,
  names: readonly string[],
  now: Date,
): Promise<IssuedCertificate> {
  const issuer = new X509CertificateBuilder(authority.certificate);
  const keys = await generateKeys();
  const certificate = await X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: [{ CN: [names.find((name) => isIP(name) === 0) ?? "naru"] }],
    issuer: issuer.subjectName,
    notBefore: new Date(now.getTime() - CLOCK_SKEW_MS),
    notAfter: new Date(now.getTime() + CERTIFICATE_DAYS * DAY_MS),
    signingAlgorithm: SIGNATURE_ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: await importKey(authority.privateKey),
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([SERVER_AUTHENTICATION], false),
      new SubjectAlternativeNameExtension(
        names.map((value) => ({ type: isIP(value) === 0 ? ("dns" as const) : ("ip" as const), value })),
        false,
      ),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
      await AuthorityKeyIdentifierExtension.create(issuer, false),
    ],
  });
  return { certificate: certificate.toString("pem"), privateKey: await exportKey(keys) };
}

/** SHA-256 of a certificate as people compare it: `3F:A1:…`. */
export function fingerprint(certificate: string): string {
  return new X509Certificate(certificate).fingerprint256;
}

/** The same certificate in DER, as browsers and phones install it. */
export function certificateDer(certificate: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(new X509Certificate(certificate).raw);
}

async function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(KEY_ALGORITHM, true, ["sign", "verify"]);
}

async function exportKey(keys: webcrypto.CryptoKeyPair): Promise<string> {
  return PemConverter.encode(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey), "PRIVATE KEY");
}

async function importKey(pem: string): Promise<webcrypto.CryptoKey> {
  const pkcs8 = createPrivateKey(pem).export({ type: "pkcs8", format: "der" });
  return webcrypto.subtle.importKey("pkcs8", pkcs8, KEY_ALGORITHM, false, ["sign"]);
}

/** RFC 5280 §4.1.2.2: positive, at most 20 octets; 16 random bytes with the sign bit cleared. */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0]! & 0x7f) | 0x40;
  return bytes.toString("hex");
}
