import { existsSync, readdirSync } from "node:fs";
import { delimiter, join } from "node:path";

/** One thing that has to be done so that a certificate authority is trusted. */
export interface TrustStep {
  /** Who trusts it afterwards. */
  readonly who: string;
  /** Whether a browser trusts it afterwards. */
  readonly reachesBrowser: boolean;
  readonly program: string;
  readonly args: readonly string[];
}

/** The machine, as far as it matters for trust. */
export interface TrustEnvironment {
  readonly platform: NodeJS.Platform;
  readonly home: string;
  /** Whether the process may write system files. */
  readonly isRoot: boolean;
  /** Whether a program is there to be run. */
  readonly has: (program: string) => boolean;
}

const DEBIAN_FOLDER = "/usr/local/share/ca-certificates";
const FEDORA_FOLDER = "/etc/pki/ca-trust/source/anchors";

/** Name under which the certificate appears in the stores that want one. */
const STORE_NAME = "naru local authority";

/**
 * What to run on this machine.
 *
 * @param certificateFile - The authority's certificate, PEM.
 * @param id - Tells the authorities of several installations apart in one folder; letters and digits.
 */
export function trustSteps(environment: TrustEnvironment, certificateFile: string, id: string): TrustStep[] {
  switch (environment.platform) {
    case "darwin":
      return [
        privileged(environment, "the system: Safari, Chrome", "security", [
          ...[
            "add-trusted-cert",
            "-d",
            "-r",
            "trustRoot",
            "-p",
            "ssl",
            "-k",
            "/Library/Keychains/System.keychain",
          ],
          certificateFile,
        ]),
        ...browserSteps(environment, certificateFile, id),
      ];
    case "win32":
      return [
        {
          who: "this user: Edge, Chrome",
          reachesBrowser: true,
          program: "certutil",
          args: ["-addstore", "-user", "Root", certificateFile],
        },
      ];
    default:
      return [
        ...linuxSteps(environment, certificateFile, id),
        ...browserSteps(environment, certificateFile, id),
      ];
  }
}

/** The step as one would type it. */
export function commandLine({ program, args }: TrustStep): string {
  return [program, ...args]
    .map((word) => (/^[\w./:=,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`))
    .join(" ");
}

function linuxSteps(environment: TrustEnvironment, certificateFile: string, id: string): TrustStep[] {
  const stores = [
    { program: "update-ca-certificates", folder: DEBIAN_FOLDER },
    { program: "update-ca-trust", folder: FEDORA_FOLDER },
  ];
  const store = stores.find(({ program }) => environment.has(program));
  if (store === undefined) return [];
  const target = `${store.folder}/naru-${id}.crt`;
  return [
    privileged(environment, "the system: curl, Node with --use-openssl-ca", "install", [
      "-D",
      "-m",
      "0644",
      certificateFile,
      target,
    ]),
    privileged(environment, "the system", store.program, []),
  ];
}

/** Chromium and Firefox keep databases of their own, which NSS's certutil writes. */
function browserSteps(environment: TrustEnvironment, certificateFile: string, id: string): TrustStep[] {
  if (!environment.has("certutil")) return [];
  return browserDatabases(environment).map(({ who, folder }) => ({
    who,
    reachesBrowser: true,
    program: "certutil",
    args: ["-A", "-d", `sql:${folder}`, "-t", "C,,", "-n", `${STORE_NAME} ${id}`, "-i", certificateFile],
  }));
}

function browserDatabases({ platform, home }: TrustEnvironment): { who: string; folder: string }[] {
  const shared = { who: "Chromium and Chrome of this user", folder: join(home, ".pki/nssdb") };
  const profileFolders =
    platform === "darwin"
      ? ["Library/Application Support/Firefox/Profiles"]
      : [".mozilla/firefox", "snap/firefox/common/.mozilla/firefox"];
  const profiles = profileFolders
    .map((folder) => join(home, folder))
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)))
    .filter((folder) => existsSync(join(folder, "cert9.db")))
    .map((folder) => ({ who: "Firefox of this user", folder }));
  return [...(existsSync(join(shared.folder, "cert9.db")) ? [shared] : []), ...profiles];
}

function privileged(
  { isRoot, has }: TrustEnvironment,
  who: string,
  program: string,
  args: readonly string[],
): TrustStep {
  // Browsers take over what the system trusts on macOS only.
  const reachesBrowser = program === "security";
  return isRoot || !has("sudo")
    ? { who, reachesBrowser, program, args }
    : { who, reachesBrowser, program: "sudo", args: [program, ...args] };
}

/** Whether a program is in one of the folders of `PATH`. */
export function isOnPath(program: string, path: string | undefined): boolean {
  return (path ?? "").split(delimiter).some((folder) => folder !== "" && existsSync(join(folder, program)));
}
