import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { commandLine, type TrustEnvironment, trustSteps } from "./trust-steps.ts";

function stepsOn(environment: Partial<TrustEnvironment>, programs: readonly string[] = []): string[] {
  const has = (program: string): boolean => programs.includes(program);
  return trustSteps(
    { platform: "linux", home: "/nowhere", isRoot: true, has, ...environment },
    "/d/ca.crt",
    "3fa1",
  ).map(commandLine);
}

test("Debian: the certificate goes into the local folder, and the store is updated", () => {
  expect(stepsOn({}, ["update-ca-certificates"])).toEqual([
    "install -D -m 0644 /d/ca.crt /usr/local/share/ca-certificates/naru-3fa1.crt",
    "update-ca-certificates",
  ]);
});

test("somebody who is not root is helped by sudo where it is there", () => {
  expect(stepsOn({ isRoot: false }, ["update-ca-trust", "sudo"])).toEqual([
    "sudo install -D -m 0644 /d/ca.crt /etc/pki/ca-trust/source/anchors/naru-3fa1.crt",
    "sudo update-ca-trust",
  ]);
});

test("macOS and Windows have commands of their own", () => {
  expect(stepsOn({ platform: "darwin" })).toEqual([
    "security add-trusted-cert -d -r trustRoot -p ssl -k /Library/Keychains/System.keychain /d/ca.crt",
  ]);
  expect(stepsOn({ platform: "win32" })).toEqual(["certutil -addstore -user Root /d/ca.crt"]);
});

test("browsers with databases of their own are told too, where certutil is there", () => {
  const home = mkdtempSync(join(tmpdir(), "naru-home-"));
  const folders = [".pki/nssdb", ".mozilla/firefox/abc.default", ".mozilla/firefox/empty"];
  for (const folder of folders) mkdirSync(join(home, folder), { recursive: true });
  for (const folder of folders.slice(0, 2)) writeFileSync(join(home, folder, "cert9.db"), "");
  expect(stepsOn({ home })).toEqual([]);
  expect(stepsOn({ home }, ["certutil"])).toEqual(
    folders
      .slice(0, 2)
      .map(
        (folder) =>
          `certutil -A -d sql:${join(home, folder)} -t C,, -n 'naru local authority 3fa1' -i /d/ca.crt`,
      ),
  );
});
