import type { DtlsCertificate } from "./certificate.ts";
import { type DtlsGroup, GROUPS } from "./cipher/group.ts";
import { CIPHER_SUITES, type CipherSuite } from "./cipher/suite.ts";
import type { DtlsVersion } from "./constants.ts";
import type { CookieSecret } from "./cookie.ts";
import type { DtlsFingerprint } from "./fingerprint.ts";
import type { SrtpProfile } from "./srtp-profile.ts";

export type DtlsRole = "client" | "server";

/** The policy of a connection. Everything that is left out has a default. */
export interface DtlsPolicy {
  /** Best first. */
  readonly versions: readonly DtlsVersion[];
  /** Best first, from {@link CIPHER_SUITES}. */
  readonly cipherSuites: readonly CipherSuite[];
  /** Best first. */
  readonly groups: readonly DtlsGroup[];
  /** Groups a client sends a share of at once; any other costs a round trip when the server wants it. */
  readonly keyShares: readonly DtlsGroup[];
  /** SRTP profiles, best first; none when the connection carries no media. */
  readonly srtpProfiles: readonly SrtpProfile[];
  /** Server: whether the client has to authenticate. Always, in WebRTC. */
  readonly requestClientCertificate: boolean;
  /** 1.2: whether a peer without the extended master secret is refused. */
  readonly requireExtendedMasterSecret: boolean;
  /** The largest datagram we send during the handshake, in bytes of UDP payload. */
  readonly mtu: number;
  /** Bytes kept free before each datagram, for what outer layers (TURN) prepend. */
  readonly headroomBytes: number;
  /** First interval of retransmission. */
  readonly retransmitMs: number;
  /** The interval doubles up to this. */
  readonly maximumRetransmitMs: number;
  /** How long the handshake may take. */
  readonly handshakeTimeoutMs: number;
  /** How long a handshake goes on after an unauthenticated message that would end it, were it the peer's. */
  readonly unauthenticatedGraceMs: number;
}

/** What a connection is given. */
export interface DtlsOptions extends Partial<DtlsPolicy> {
  readonly role: DtlsRole;
  /** What we authenticate with; only a client may have none (against a server that does not ask). */
  readonly certificate: DtlsCertificate | undefined;
  /**
   * Certificates that are accepted from the peer. When left out, the connection asks with a `certificate` event, and is
   * answered by `setRemoteFingerprints` or `acceptRemoteCertificate`.
   */
  readonly remoteFingerprints?: readonly DtlsFingerprint[];
  /**
   * Server: demands a cookie of every client, before anything is computed for it: for addresses that nothing has
   * proven. `address` is what the cookie is bound to: the client's address and port.
   */
  readonly cookie?: { readonly secret: CookieSecret; readonly address: Uint8Array };
}

export const DEFAULT_DTLS_POLICY: DtlsPolicy = {
  versions: ["1.3", "1.2"],
  cipherSuites: CIPHER_SUITES,
  groups: GROUPS,
  // As both browsers: the hybrid, and X25519 for a peer that cannot.
  keyShares: ["X25519MLKEM768", "x25519"],
  srtpProfiles: [],
  requestClientCertificate: true,
  requireExtendedMasterSecret: true,
  // Passes every path with IPv6's 1280 bytes, a TURN header and a tunnel between; what Chromium sends.
  mtu: 1200,
  // ChannelData takes 4 bytes; a Send indication with an IPv6 address 36 and 4.
  headroomBytes: 64,
  // RFC 9147 §5.8.2: 1 s unless something is known. ICE has just proven the path, its round trips are mostly below
  // this, and a lost datagram costs a user this wait; spurious repetition costs one flight.
  retransmitMs: 100,
  // RFC 9147 §5.8.2 says 60 s: with half of the packets lost, one try in 2 s connects within the 15 s that ICE gives.
  maximumRetransmitMs: 2000,
  handshakeTimeoutMs: 30_000,
  // Two retransmissions of a peer at the other end of the world: a forged alert has lost by then.
  unauthenticatedGraceMs: 2000,
};

/** Smallest MTU that a handshake makes sense with: every IPv4 path carries 68 bytes, the headers alone are 50. */
const MIN_MTU = 128;

/** @throws {RangeError} when the options contradict themselves or leave nothing to negotiate. */
export function resolvePolicy(options: DtlsOptions): DtlsPolicy {
  const policy: DtlsPolicy = { ...DEFAULT_DTLS_POLICY, ...options };
  if (policy.versions.length === 0) throw new RangeError("versions must name 1.3 or 1.2, or both; got none");
  for (const version of policy.versions) {
    if (!policy.cipherSuites.some((suite) => suite.version === version)) {
      throw new RangeError(`cipherSuites holds none of version ${version}, which versions names`);
    }
  }
  if (!policy.groups.some((group) => group !== "X25519MLKEM768") && policy.versions.includes("1.2")) {
    throw new RangeError("version 1.2 needs a group beside X25519MLKEM768, which is for 1.3 only");
  }
  if (policy.groups.length === 0) throw new RangeError("groups must name at least one group; got none");
  if (!(policy.mtu >= MIN_MTU))
    throw new RangeError(`mtu must be at least ${MIN_MTU} bytes, got ${policy.mtu}`);
  if (options.role === "server" && options.certificate === undefined) {
    throw new RangeError("a server needs a certificate, got undefined");
  }
  return policy;
}
