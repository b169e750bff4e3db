/** DTLS 1.2 with GnuTLS, each as client and as server. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DtlsOptions, fingerprintOf } from "@naru/webrtc/dtls";
import { nodeCrypto } from "@naru/webrtc/node";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import {
  DtlsPeer,
  freeUdpPort,
  makeCertificateFiles,
  OtherSide,
  OUR_CERTIFICATES,
} from "../support/dtls-peer.ts";
import { findProgram, missingPrograms } from "../support/requirements.ts";

const missing = missingPrograms("openssl", "gnutlsServer", "gnutlsClient");
const PRIORITIES = [
  ["ecdsa", "NORMAL:-VERS-ALL:+VERS-DTLS1.2:-CIPHER-ALL:+AES-128-GCM"],
  ["ecdsa", "NORMAL:-VERS-ALL:+VERS-DTLS1.2:-CIPHER-ALL:+CHACHA20-POLY1305"],
  ["rsa", "NORMAL:-VERS-ALL:+VERS-DTLS1.2:-CIPHER-ALL:+AES-256-GCM"],
] as const;

describe.skipIf(missing !== undefined)(`GnuTLS ${missing ?? ""}`, () => {
  const folder = mkdtempSync(join(tmpdir(), "naru-dtls-"));
  const files = { ecdsa: makeCertificateFiles(folder, "ecdsa"), rsa: makeCertificateFiles(folder, "rsa") };
  const open: { close(): void }[] = [];
  afterEach(() => {
    for (const one of open.splice(0)) one.close();
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function run(program: "gnutlsServer" | "gnutlsClient", ...args: string[]): OtherSide {
    const other = new OtherSide(findProgram(program) ?? program, args);
    open.push({ close: () => other.stop() });
    return other;
  }

  async function peer(
    role: DtlsOptions["role"],
    type: "ecdsa" | "rsa",
    port?: number,
    more: Partial<DtlsOptions> = {},
  ): Promise<DtlsPeer> {
    const theirs = new Uint8Array(readFileSync(files[type].certificateDer));
    const remoteFingerprints = [fingerprintOf(nodeCrypto, theirs, "sha-512")];
    const certificate = OUR_CERTIFICATES[type];
    const ours = await DtlsPeer.open({ role, certificate, remoteFingerprints, ...more }, port);
    open.push({ close: () => ours.close() });
    return ours;
  }

  test.each(PRIORITIES)(
    "as server, which demands a cookie, with a key of %s and %s",
    async (type, priority) => {
      const port = await freeUdpPort();
      const { certificate, key } = files[type];
      const other = run(
        "gnutlsServer",
        ...["--udp", "--echo", "-p", `${port}`, "--x509certfile", certificate, "--x509keyfile", key],
        ...["--mtu", "1200", "--priority", priority, "--require-client-cert"],
      );
      await other.says(/listening on IPv4/i);
      // GnuTLS 3.7 reads a ClientHello for its cookie in one piece only: without the hybrid share it is one.
      const ours = await peer("client", type, port, { keyShares: ["x25519"] });
      ours.start();
      expect((await ours.event("connected")).version).toBe("1.2");
      ours.send(new TextEncoder().encode("there and back"));
      const text = await ours.until(() => ours.received[0] && new TextDecoder().decode(ours.received[0]));
      expect(text).toBe("there and back");
    },
  );

  test.each(PRIORITIES)("as client with a key of %s and %s", async (type, priority) => {
    const ours = await peer("server", type);
    const { certificate, key } = files[type];
    const other = run(
      "gnutlsClient",
      ...["--udp", "--insecure", "-p", `${ours.port}`, "--x509certfile", certificate, "--x509keyfile", key],
      ...["--mtu", "1200", "--priority", priority, "127.0.0.1"],
    );
    expect((await ours.event("connected")).version).toBe("1.2");
    await other.says(/Handshake was completed/);
    other.write("from them\n");
    const text = await ours.until(() => ours.received[0] && new TextDecoder().decode(ours.received[0]));
    expect(text.trim()).toBe("from them");
    ours.send(new TextEncoder().encode("from us\n"));
    await other.says(/from us/);
  });
});
