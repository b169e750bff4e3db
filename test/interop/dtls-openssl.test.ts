/** DTLS 1.2 with OpenSSL, each as client and as server; what both export is the same. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { toHex } from "@naru/webrtc/bytes";
import { CookieSecret, type DtlsGroup, type DtlsOptions, fingerprintOf } from "@naru/webrtc/dtls";
import { createNodePlatform, nodeCrypto } from "@naru/webrtc/node";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import {
  DtlsPeer,
  freeUdpPort,
  makeCertificateFiles,
  OtherSide,
  OUR_CERTIFICATES,
} from "../support/dtls-peer.ts";
import { findProgram, missingPrograms } from "../support/requirements.ts";

const missing = missingPrograms("openssl");
const openssl = findProgram("openssl") ?? "openssl";

/** OpenSSL's names of the profiles, and what we call them. */
const SRTP = ["-use_srtp", "SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_128_GCM"];
const EXPORT = ["-keymatexport", "EXTRACTOR-dtls_srtp", "-keymatexportlen", "60"];

const SUITES = [
  ["ecdsa", "ECDHE-ECDSA-AES128-GCM-SHA256", "secp256r1"],
  ["ecdsa", "ECDHE-ECDSA-AES256-GCM-SHA384", "secp384r1"],
  ["ecdsa", "ECDHE-ECDSA-CHACHA20-POLY1305", "x25519"],
  ["rsa", "ECDHE-RSA-AES128-GCM-SHA256", "x25519"],
  ["rsa", "ECDHE-RSA-AES256-GCM-SHA384", "secp256r1"],
  ["rsa", "ECDHE-RSA-CHACHA20-POLY1305", "secp384r1"],
] as const;

/** The group to agree on, and the one of the certificates, which has to be among them (RFC 8422 §5.1). */
function groupsFor(group: DtlsGroup): DtlsGroup[] {
  return [...new Set<DtlsGroup>([group, "secp256r1"])];
}

describe.skipIf(missing !== undefined)(`OpenSSL ${missing ?? ""}`, () => {
  const folder = mkdtempSync(join(tmpdir(), "naru-dtls-"));
  const files = { ecdsa: makeCertificateFiles(folder, "ecdsa"), rsa: makeCertificateFiles(folder, "rsa") };
  const open: { close(): void }[] = [];
  afterEach(() => {
    for (const one of open.splice(0)) one.close();
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function run(...args: string[]): OtherSide {
    const other = new OtherSide(openssl, args);
    open.push({ close: () => other.stop() });
    return other;
  }

  async function peer(
    options: Partial<DtlsOptions> & Pick<DtlsOptions, "role">,
    type: "ecdsa" | "rsa",
    port?: number,
  ) {
    const theirs = new Uint8Array(readFileSync(files[type].certificateDer));
    const ours = await DtlsPeer.open(
      {
        certificate: OUR_CERTIFICATES[type],
        remoteFingerprints: [fingerprintOf(nodeCrypto, theirs, "sha-256")],
        srtpProfiles: ["SRTP_AES128_CM_HMAC_SHA1_80"],
        ...options,
      },
      port,
    );
    open.push({ close: () => ours.close() });
    return ours;
  }

  /** Both are connected: they exported the same, and data goes both ways. */
  async function check(ours: DtlsPeer, other: OtherSide, expectedGroup: DtlsGroup = "x25519"): Promise<void> {
    const { version, group } = await ours.event("connected");
    expect([version, group]).toEqual(["1.2", expectedGroup]);
    const [, material] = await other.says(/Keying material: ([0-9A-F]+)/);
    const exported = ours.connection.exportKeyingMaterial("EXTRACTOR-dtls_srtp", undefined, 60);
    expect(toHex(exported).toUpperCase()).toBe(material);
    await other.says(/SRTP Extension negotiated, profile=SRTP_AES128_CM_SHA1_80/);
    ours.send(new TextEncoder().encode("from us\n"));
    await other.says(/from us/);
    other.write("from them\n");
    const text = await ours.until(() => ours.received[0] && new TextDecoder().decode(ours.received[0]));
    expect(text.trim()).toBe("from them");
  }

  test.each(SUITES)("as server with a key of %s, over %s with %s", async (type, suite, group) => {
    const port = await freeUdpPort();
    const { certificate, key } = files[type];
    const other = run(
      ...["s_server", "-dtls1_2", "-port", `${port}`, "-cert", certificate, "-key", key, "-Verify", "1"],
      ...[
        "-cipher",
        suite,
        "-groups",
        groupsFor(group).join(":"),
        "-mtu",
        "1200",
        "-timeout",
        ...SRTP,
        ...EXPORT,
      ],
    );
    await other.says(/ACCEPT/);
    const ours = await peer({ role: "client", groups: groupsFor(group) }, type, port);
    ours.start();
    await check(ours, other, group);
  });

  test("as server that demands a cookie by HelloVerifyRequest", async () => {
    const port = await freeUdpPort();
    const { certificate, key } = files.ecdsa;
    const other = run(
      ...["s_server", "-dtls1_2", "-listen", "-port", `${port}`, "-cert", certificate, "-key", key],
      ...["-Verify", "1", "-mtu", "1200", "-timeout", ...SRTP, ...EXPORT],
    );
    await other.says(/ACCEPT/);
    // DTLSv1_listen reads a ClientHello in one piece only: without the hybrid share it is one.
    const ours = await peer({ role: "client", keyShares: ["x25519"] }, "ecdsa", port);
    ours.start();
    await check(ours, other);
  });

  test.each(SUITES)("as client with a key of %s, over %s with %s", async (type, suite, group) => {
    const ours = await peer({ role: "server", groups: groupsFor(group) }, type);
    const { certificate, key } = files[type];
    const other = run(
      ...["s_client", "-dtls1_2", "-connect", `127.0.0.1:${ours.port}`, "-cert", certificate, "-key", key],
      ...[
        "-cipher",
        suite,
        "-groups",
        groupsFor(group).join(":"),
        "-mtu",
        "1200",
        "-timeout",
        ...SRTP,
        ...EXPORT,
      ],
    );
    await check(ours, other, group);
  });

  test("as client that is asked for a cookie", async () => {
    const cookie = {
      secret: new CookieSecret(nodeCrypto, createNodePlatform().random),
      address: Uint8Array.of(1),
    };
    const ours = await peer({ role: "server", cookie }, "ecdsa");
    const { certificate, key } = files.ecdsa;
    const other = run(
      ...["s_client", "-dtls1_2", "-connect", `127.0.0.1:${ours.port}`, "-cert", certificate, "-key", key],
      ...["-mtu", "1200", "-timeout", ...SRTP, ...EXPORT],
    );
    await check(ours, other);
  });

  test("in small pieces both ways", async () => {
    const ours = await peer({ role: "server", mtu: 256 }, "rsa");
    const { certificate, key } = files.rsa;
    const other = run(
      ...["s_client", "-dtls1_2", "-connect", `127.0.0.1:${ours.port}`, "-cert", certificate, "-key", key],
      ...["-mtu", "256", "-timeout", ...SRTP, ...EXPORT],
    );
    await check(ours, other);
  });

  test("with a certificate that was not announced is refused", async () => {
    const ours = await peer(
      { role: "server", remoteFingerprints: [OUR_CERTIFICATES.rsa.fingerprint()] },
      "ecdsa",
    );
    const { certificate, key } = files.ecdsa;
    run(
      ...["s_client", "-dtls1_2", "-connect", `127.0.0.1:${ours.port}`, "-cert", certificate, "-key", key],
      ...["-mtu", "1200", "-timeout"],
    );
    const { reason } = await ours.event("closed");
    expect(reason).toMatchObject({ type: "failed", code: "ERR_DTLS_FINGERPRINT_MISMATCH" });
  });
});
