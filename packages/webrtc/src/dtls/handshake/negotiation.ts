import { ExtensionType } from "../constants.ts";
import { DtlsError } from "../errors.ts";
import type { DtlsPolicy } from "../options.ts";
import { SRTP_PROFILES, type SrtpProfile } from "../srtp-profile.ts";
import { decodeUseSrtp, type Extensions } from "./extensions.ts";

/** Client: the SRTP profile a server chose; undefined when it chose none. */
export function chosenSrtpProfile(data: Uint8Array | undefined, policy: DtlsPolicy): SrtpProfile | undefined {
  if (data === undefined) return undefined;
  const ids = decodeUseSrtp(data);
  const profile = policy.srtpProfiles.find((candidate) => SRTP_PROFILES[candidate].id === ids[0]);
  // RFC 5764 §4.1.1: exactly one, and one that was offered.
  if (ids.length !== 1 || profile === undefined) {
    throw new DtlsError(
      "ERR_DTLS_ILLEGAL_PARAMETER",
      "illegal_parameter",
      `the server chose ${ids.length} SRTP profiles, or one that was not offered`,
      "RFC 5764 §4.1.1",
    );
  }
  return profile;
}

/** Server: the first of our SRTP profiles that the client offers. */
export function chooseSrtpProfile(offered: Extensions, policy: DtlsPolicy): SrtpProfile | undefined {
  const data = offered.get(ExtensionType.useSrtp);
  if (data === undefined) return undefined;
  const ids = decodeUseSrtp(data);
  return policy.srtpProfiles.find((profile) => ids.includes(SRTP_PROFILES[profile].id));
}

/** Nothing of one kind that both sides can do. */
export function nothingInCommon(what: string): DtlsError {
  return new DtlsError(
    "ERR_DTLS_NO_COMMON_PARAMETERS",
    "handshake_failure",
    `the peer offers no ${what} that is accepted here`,
    "RFC 8446 §4.1.1",
  );
}

/** A parameter that the standard forbids at this place. */
export function illegalParameter(text: string, reference: string): DtlsError {
  return new DtlsError("ERR_DTLS_ILLEGAL_PARAMETER", "illegal_parameter", text, reference);
}
