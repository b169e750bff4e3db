import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import type { Logger } from "@naru/webrtc/sansio";
import type { NaruConfig } from "../config/schema.ts";
import type { DataDirectory } from "../life/data-directory.ts";
import { StartError } from "../life/start-error.ts";
import { type LocalNames, localNames } from "../network/local-addresses.ts";
import type { TlsIdentity } from "../port/port.ts";
import { localIdentity } from "./local-certificates.ts";

/** The certificate that is served now. */
export interface ServedIdentity extends TlsIdentity {
  /** Certificate of the local authority (PEM), when the certificate is of it. */
  readonly authority: string | undefined;
}

/** Where certificates come from. */
export interface IdentitySource {
  /**
   * What to serve, given the state of the files, the clock and the interfaces as they are now.
   *
   * @throws {StartError} (rejects) `CERTIFICATE` or `DATA_DIRECTORY` when there is nothing to serve.
   */
  load(): Promise<ServedIdentity>;
}

/** The operator's certificate when one is configured, one of the local authority otherwise. */
export function identitySource(config: NaruConfig, data: DataDirectory, log: Logger): IdentitySource {
  const { cert, key } = config.tls;
  if (cert === undefined && key === undefined) return localSource(data, log, localNames);
  if (cert === undefined || key === undefined) {
    throw new StartError({
      code: "CERTIFICATE",
      summary: `A certificate needs its key: tls.${cert === undefined ? "cert" : "key"} is missing.`,
      remedy: "naru --cert fullchain.pem --key privkey.pem",
    });
  }
  return fileSource(cert, key);
}

function localSource(data: DataDirectory, log: Logger, names: () => LocalNames): IdentitySource {
  let reported = "";
  return {
    async load(): Promise<ServedIdentity> {
      const { authority, issued, isNew, refused } = await localIdentity(data, names(), new Date(), log);
      if (isNew) log.info("issued a certificate for this machine's names");
      if (refused.length > 0 && refused.join() !== reported) {
        reported = refused.join();
        log.debug("some names are outside what the local authority may issue for", { count: refused.length });
      }
      return { ...issued, authority: authority.certificate };
    },
  };
}

function fileSource(certificateFile: string, keyFile: string): IdentitySource {
  return {
    load(): Promise<ServedIdentity> {
      const certificate = readPem(certificateFile);
      const privateKey = readPem(keyFile);
      try {
        const leaf = new X509Certificate(certificate);
        if (!leaf.checkPrivateKey(createPrivateKey(privateKey)))
          throw new Error("the key is of another certificate");
        // The whole chain, as it will be served: a damaged intermediate is found now, not by the first visitor.
        createSecureContext({ cert: certificate, key: privateKey });
        if (new Date(leaf.validTo) < new Date())
          throw new Error(`the certificate expired on ${leaf.validTo}`);
      } catch (error) {
        return Promise.reject(
          new StartError({
            code: "CERTIFICATE",
            summary: `${certificateFile} and ${keyFile} cannot be used: ${error instanceof Error ? error.message : error}.`,
            remedy: `openssl x509 -in ${certificateFile} -noout -subject -dates`,
            cause: error,
          }),
        );
      }
      return Promise.resolve({ certificate, privateKey, authority: undefined });
    },
  };
}

function readPem(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new StartError({
      code: "CERTIFICATE",
      summary: `${path} cannot be read: ${error instanceof Error ? error.message : error}.`,
      remedy: `ls -l ${path}   # it must exist and be readable by the user that runs naru`,
      cause: error,
    });
  }
}
