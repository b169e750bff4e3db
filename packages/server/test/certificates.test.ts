import { createPrivateKey, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer, request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SILENT_LOGGER } from "@naru/webrtc/sansio";
import { beforeEach, describe, expect, test } from "vitest";
import { resolveConfig } from "../src/config/schema.ts";
import { DataDirectory } from "../src/life/data-directory.ts";
import { StartError } from "../src/life/start-error.ts";
import { PRIVATE_RANGES } from "../src/network/local-addresses.ts";
import {
  type Authority,
  createAuthority,
  type IssuedCertificate,
  issueCertificate,
} from "../src/tls/authority.ts";
import { identitySource } from "../src/tls/identity.ts";
import { localIdentity, RENEW_BEFORE_MS } from "../src/tls/local-certificates.ts";
import { permits } from "../src/tls/name-constraints.ts";

const DAY_MS = 86_400_000;
const NOW = new Date();

let data: DataDirectory;

beforeEach(() => {
  data = DataDirectory.open(join(mkdtempSync(join(tmpdir(), "naru-certificates-")), "data"));
});

function identityFor(
  addresses: string[],
  now: Date = NOW,
  hostname = "laptop",
): ReturnType<typeof localIdentity> {
  return localIdentity(data, { addresses, hostname }, now, SILENT_LOGGER);
}

function namesOf(certificate: string): string[] {
  return (new X509Certificate(certificate).subjectAltName ?? "").split(", ");
}

describe("the local authority", () => {
  test("issues a certificate that verifies, for this machine's names and addresses", async () => {
    const { authority, issued } = await identityFor(["192.168.0.12", "fd00::2"]);
    const leaf = new X509Certificate(issued.certificate);
    const root = new X509Certificate(authority.certificate);
    expect(leaf.checkIssued(root)).toBe(true);
    expect(leaf.verify(root.publicKey)).toBe(true);
    expect(root.verify(root.publicKey)).toBe(true);
    expect(root.ca).toBe(true);
    expect(leaf.ca).toBe(false);
    expect(leaf.checkPrivateKey(createPrivateKey(issued.privateKey))).toBe(true);
    expect(leaf.checkHost("localhost")).toBe("localhost");
    expect(leaf.checkHost("laptop.local")).toBe("laptop.local");
    // A constraint to "laptop" would allow "bank.laptop" too: the bare name is left out.
    expect(leaf.checkHost("laptop")).toBeUndefined();
    expect(leaf.checkIP("192.168.0.12")).toBe("192.168.0.12");
    expect(leaf.checkIP("fd00::2")).toBe("fd00::2");
    const days = (Date.parse(leaf.validTo) - NOW.getTime()) / DAY_MS;
    expect(days).toBeGreaterThan(89);
    expect(days).toBeLessThan(91);
    expect(Date.parse(leaf.validFrom)).toBeLessThan(NOW.getTime() - DAY_MS / 2);
  });

  test("is accepted by a client that trusts it, and by no other", async () => {
    const { authority, issued } = await identityFor(["127.0.0.1"]);
    expect(await fetchFrom(issued, { ca: authority.certificate, servername: "localhost" })).toBe("served");
    expect(await fetchFrom(issued, { ca: authority.certificate })).toBe("served");
    await expect(fetchFrom(issued, {})).rejects.toThrow(/self.signed|unable to verify/i);
  });

  test("cannot be used to pose as a site on the internet", async () => {
    const { authority } = await identityFor([]);
    for (const name of ["bank.example", "localhost.evil.example", "8.8.8.8", "2001:db8::1"]) {
      const forged = await issueCertificate(authority, [name], NOW);
      const outcome = fetchFrom(forged, {
        ca: authority.certificate,
        servername: "localhost",
        checkServerIdentity: () => undefined,
      });
      await expect(outcome, name).rejects.toThrow(/permitted subtree violation/);
    }
    for (const name of ["other.local", "10.1.2.3", "fd12::1", "100.64.0.1"]) {
      const allowed = await issueCertificate(authority, [name], NOW);
      const outcome = await fetchFrom(allowed, {
        ca: authority.certificate,
        servername: "localhost",
        checkServerIdentity: () => undefined,
      });
      expect(outcome, name).toBe("served");
    }
  });

  test("covers an address from public space that the machine has when the authority is made", async () => {
    const { authority, refused } = await identityFor(["192.0.2.7"]);
    expect(refused).toEqual([]);
    expect(permits(authority.permitted, "192.0.2.7")).toBe(true);
    expect(permits(authority.permitted, "192.0.2.8")).toBe(false);
    const later = await identityFor(["192.0.2.8"]);
    expect(later.refused).toEqual(["192.0.2.8"]);
    expect(namesOf(later.issued.certificate)).not.toContain("IP Address:192.0.2.8");
  });

  test("can be constrained to as many names as a machine may have", async () => {
    const ranges = [
      ...PRIVATE_RANGES,
      ...Array.from({ length: 60 }, (_, i) => `2001:db8::${(i + 1).toString(16)}`),
    ];
    const authority = await createAuthority("many", { domains: ["localhost"], ranges }, NOW);
    const issued = await issueCertificate(authority, ["localhost", "2001:db8::3c"], NOW);
    expect(await fetchFrom(issued, { ca: authority.certificate, servername: "localhost" })).toBe("served");
    const refused = await issueCertificate(authority, ["localhost", "2001:db8::3d"], NOW);
    await expect(fetchFrom(refused, { ca: authority.certificate, servername: "localhost" })).rejects.toThrow(
      /permitted subtree violation/,
    );
  });
});

describe("over time", () => {
  test("authority and certificate stay the same from start to start", async () => {
    const first = await identityFor(["192.168.0.12"]);
    const second = await identityFor(["192.168.0.12"]);
    expect(second.issued.certificate).toBe(first.issued.certificate);
    expect(first.isNew).toBe(true);
    expect(second.isNew).toBe(false);
  });

  test("a new address brings a new certificate, which keeps the old one's names", async () => {
    const first = await identityFor(["192.168.0.12"]);
    const second = await identityFor(["10.0.0.5"]);
    expect(second.authority.certificate).toBe(first.authority.certificate);
    expect(second.isNew).toBe(true);
    expect(namesOf(second.issued.certificate)).toContain("IP Address:10.0.0.5");
    expect(namesOf(second.issued.certificate)).toContain("IP Address:192.168.0.12");
    const back = await identityFor(["192.168.0.12"]);
    expect(back.issued.certificate).toBe(second.issued.certificate);
  });

  test("the names of many networks do not pile up without end", async () => {
    for (let i = 1; i <= 40; i++) await identityFor([`10.0.0.${i}`]);
    const { issued } = await identityFor(["10.0.0.99"]);
    expect(namesOf(issued.certificate).length).toBeLessThanOrEqual(24);
    expect(namesOf(issued.certificate)).toContain("IP Address:10.0.0.99");
  });

  test("a certificate that is about to expire is replaced, one that is not stays", async () => {
    const first = await identityFor(["10.0.0.1"]);
    const before = new Date(NOW.getTime() + 90 * DAY_MS - RENEW_BEFORE_MS - DAY_MS);
    expect((await identityFor(["10.0.0.1"], before)).isNew).toBe(false);
    const after = new Date(NOW.getTime() + 90 * DAY_MS - RENEW_BEFORE_MS + DAY_MS);
    const second = await identityFor(["10.0.0.1"], after);
    expect(second.isNew).toBe(true);
    expect(second.authority.certificate).toBe(first.authority.certificate);
  });

  test("files that were damaged are made anew", async () => {
    const first = await identityFor(["10.0.0.1"]);
    writeFileSync(join(data.path, "certificate.json"), '{"certificate": "nonsense"}');
    const second = await identityFor(["10.0.0.1"]);
    expect(second.authority.certificate).toBe(first.authority.certificate);
    expect(second.isNew).toBe(true);
    writeFileSync(join(data.path, "authority.json"), "{");
    const third = await identityFor(["10.0.0.1"]);
    expect(third.authority.certificate).not.toBe(first.authority.certificate);
    expect(
      new X509Certificate(third.issued.certificate).checkIssued(
        new X509Certificate(third.authority.certificate),
      ),
    ).toBe(true);
  });

  test("keys are for their owner only", async () => {
    await identityFor([]);
    expect(statSync(data.path).mode & 0o777).toBe(0o700);
    for (const name of ["authority.json", "certificate.json", "ca.crt"]) {
      expect(statSync(join(data.path, name)).mode & 0o777, name).toBe(0o600);
    }
    expect(readFileSync(join(data.path, "ca.crt"), "utf8")).not.toContain("PRIVATE KEY");
  });
});

describe("a certificate of the operator", () => {
  const config = (cert?: string, key?: string) => resolveConfig({ tls: { cert, key } });

  test("is served as it is, and read again when it was renewed", async () => {
    const files = await written((await identityFor([])).issued);
    const source = identitySource(config(files.cert, files.key), data, SILENT_LOGGER);
    const first = await source.load();
    expect(first.authority).toBeUndefined();
    const renewed = await issueCertificate((await identityFor([])).authority, ["localhost"], NOW);
    writeFileSync(files.cert, renewed.certificate);
    writeFileSync(files.key, renewed.privateKey);
    expect((await source.load()).certificate).toBe(renewed.certificate);
  });

  test("is refused when the key is missing, of another certificate, unreadable, or the time is over", async () => {
    const { authority, issued } = await identityFor([]);
    const other = await issueCertificate(authority, ["localhost"], NOW);
    const old = await issueCertificate(authority, ["localhost"], new Date(NOW.getTime() - 200 * DAY_MS));
    const files = await written(issued);
    const mismatch = await written({ certificate: issued.certificate, privateKey: other.privateKey });
    const expired = await written(old);
    const load = async (cert?: string, key?: string) =>
      identitySource(config(cert, key), data, SILENT_LOGGER).load();
    await expect(load(files.cert)).rejects.toThrow("tls.key is missing");
    await expect(load(undefined, files.key)).rejects.toThrow("tls.cert is missing");
    await expect(load("/nowhere.pem", files.key)).rejects.toThrow("cannot be read");
    await expect(load(mismatch.cert, mismatch.key)).rejects.toThrow("the key is of another certificate");
    await expect(load(expired.cert, expired.key)).rejects.toThrow("expired on");
    await expect(load(files.cert)).rejects.toBeInstanceOf(StartError);
  });

  async function written(pair: IssuedCertificate): Promise<{ cert: string; key: string }> {
    const folder = mkdtempSync(join(tmpdir(), "naru-own-"));
    const files = { cert: join(folder, "cert.pem"), key: join(folder, "key.pem") };
    writeFileSync(files.cert, pair.certificate);
    writeFileSync(files.key, pair.privateKey);
    return files;
  }
});

async function fetchFrom(
  { certificate, privateKey }: IssuedCertificate | Authority,
  client: { ca?: string; servername?: string; checkServerIdentity?: () => undefined },
): Promise<string> {
  const server = createServer({ cert: certificate, key: privateKey }, (_request, response) =>
    response.end("served"),
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  const { port } = address;
  try {
    return await new Promise((resolve, reject) => {
      const outgoing = request({ host: "127.0.0.1", port, agent: false, ...client }, (response) => {
        let text = "";
        response.on("data", (chunk) => (text += chunk));
        response.on("end", () => resolve(text));
      });
      outgoing.on("error", reject);
      outgoing.end();
    });
  } finally {
    server.close();
    server.closeAllConnections();
  }
}
