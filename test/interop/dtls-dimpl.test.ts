/**
 * DTLS 1.3 with the Rust crate `dimpl`, each as client and as server. It is built by
 * `cargo build --release --manifest-path test/interop/dimpl-peer/Cargo.toml --target-dir .cache/dimpl-peer`, which takes
 * some minutes and the crate registry; without it these tests are skipped.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { toHex } from "@naru/webrtc/bytes";
import { type DtlsOptions, fingerprintOf } from "@naru/webrtc/dtls";
import { nodeCrypto } from "@naru/webrtc/node";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { DtlsPeer, makeCertificateFiles, OtherSide, OUR_CERTIFICATES } from "../support/dtls-peer.ts";
import { missingPrograms } from "../support/requirements.ts";

const PROGRAM = join(process.cwd(), ".cache/dimpl-peer/release/dimpl-peer");
const missing = existsSync(PROGRAM)
  ? missingPrograms("openssl")
  : `not built: cargo build --release --manifest-path test/interop/dimpl-peer/Cargo.toml --target-dir .cache/dimpl-peer`;

/** Version of the other side, its MTU, whether its server demands a cookie; and what is agreed on. */
const CASES = [
  ["13", "1150", "0", "1.3"],
  ["13", "1150", "1", "1.3"],
  ["13", "400", "0", "1.3"],
  ["12", "1150", "0", "1.2"],
  ["auto", "1150", "0", "1.3"],
] as const;

describe.skipIf(missing !== undefined)(`dimpl ${missing ?? ""}`, () => {
  const folder = mkdtempSync(join(tmpdir(), "naru-dtls-"));
  const files = makeCertificateFiles(folder, "ecdsa");
  const open: { close(): void }[] = [];
  afterEach(() => {
    for (const one of open.splice(0)) one.close();
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function run(role: string, version: string, port: number, mtu: string, cookie: string): OtherSide {
    const other = new OtherSide(PROGRAM, [
      ...[role, version, `${port}`, mtu, cookie],
      ...[files.certificateDer, files.keyDer],
    ]);
    open.push({ close: () => other.stop() });
    return other;
  }

  async function peer(
    options: Partial<DtlsOptions> & Pick<DtlsOptions, "role">,
    port?: number,
  ): Promise<DtlsPeer> {
    const theirs = new Uint8Array(readFileSync(files.certificateDer));
    const ours = await DtlsPeer.open(
      {
        certificate: OUR_CERTIFICATES.ecdsa,
        remoteFingerprints: [fingerprintOf(nodeCrypto, theirs, "sha-256")],
        srtpProfiles: ["SRTP_AEAD_AES_128_GCM"],
        ...options,
      },
      port,
    );
    open.push({ close: () => ours.close() });
    return ours;
  }

  async function check(ours: DtlsPeer, other: OtherSide, version: string): Promise<void> {
    expect((await ours.event("connected")).version).toBe(version);
    await other.says(/connected/);
    const keys = await other.says(/keys (\S+) ([0-9a-f]+)/);
    const exported = ours.connection.exportKeyingMaterial("EXTRACTOR-dtls_srtp", undefined, 56);
    expect(keys[1]).toBe("AEAD_AES_128_GCM");
    expect(keys[2]).toBe(toHex(exported));
    const certificate = await other.says(/certificate ([0-9a-f]+)/);
    expect(certificate[1]).toBe(toHex(OUR_CERTIFICATES.ecdsa.chain[0] ?? new Uint8Array(0)));
    await echo(ours, "there and back", 0);
  }

  async function echo(ours: DtlsPeer, text: string, before: number): Promise<void> {
    ours.send(new TextEncoder().encode(text));
    const back = await ours.until(
      () => ours.received[before] && new TextDecoder().decode(ours.received[before]),
    );
    expect(back).toBe(text);
  }

  test.each(CASES)("as server (%s, MTU %s, cookie %s)", async (theirs, mtu, cookie, version) => {
    const other = run("server", theirs, 0, mtu, cookie);
    const [, port] = await other.says(/listening (\d+)/);
    const ours = await peer({ role: "client" }, Number(port));
    ours.start();
    await check(ours, other, version);
  });

  test.each(CASES)("as client (%s, MTU %s)", async (theirs, mtu, cookie, version) => {
    const ours = await peer({ role: "server", mtu: Number(mtu) });
    const other = run("client", theirs, ours.port, mtu, cookie);
    await check(ours, other, version);
  });

  test("changes keys with us", async () => {
    const ours = await peer({ role: "server" });
    const other = run("client", "13", ours.port, "1150", "0");
    await check(ours, other, "1.3");
    for (let round = 1; round <= 5; round++) {
      expect(await ours.until(() => (ours.updateKeys() ? true : undefined))).toBe(true);
      await echo(ours, `round ${round}`, round);
    }
    expect(ours.connection.counters.forged).toBe(0);
  });

  test("says goodbye, and is believed", async () => {
    const ours = await peer({ role: "server" });
    const other = run("client", "13", ours.port, "1150", "0");
    await check(ours, other, "1.3");
    ours.sayGoodbye();
    await other.says(/closed/);
  });
});
