import { copyBytes, equalBytes } from "../../bytes/index.ts";
import { type Millis, randomBytes } from "../../sansio/index.ts";
import { createKeyShares, type DtlsGroup, GROUP_IDS, groupOf, type KeyShare } from "../cipher/group.ts";
import { SIGNATURE_SCHEME_IDS } from "../cipher/signature.ts";
import type { CipherSuite } from "../cipher/suite.ts";
import { DOWNGRADE_SENTINEL, ExtensionType, HandshakeType, RANDOM_BYTES, WireVersion } from "../constants.ts";
import { DtlsError } from "../errors.ts";
import { ClientHandshake12 } from "../flight12/client.ts";
import { ClientHandshake13 } from "../flight13/client.ts";
import { SRTP_PROFILES } from "../srtp-profile.ts";
import type { Handshake, HandshakeContext } from "./context.ts";
import {
  decodeKeyShare,
  decodeUint16,
  decodeVector16,
  EC_POINT_FORMATS,
  type Extensions,
  encodeKeyShares,
  encodeUint16List,
  encodeUseSrtp,
  encodeVector16,
  encodeVersions,
  NO_RENEGOTIATION,
  PRESENT,
} from "./extensions.ts";
import type { HandshakeMessage } from "./fragment.ts";
import {
  decodeHelloVerifyRequest,
  decodeServerHello,
  encodeClientHello,
  isRetryRequest,
  type ServerHello,
} from "./hello.ts";
import { chosenSrtpProfile, illegalParameter } from "./negotiation.ts";
import { Transcript } from "./transcript.ts";

const NOTHING = new Uint8Array(0);
const NO_COMPRESSION = Uint8Array.of(0);

/** A HelloRetryRequest that was followed. */
interface Retry {
  readonly suite: CipherSuite;
  readonly body: Uint8Array;
  readonly sequence: number;
  readonly firstHello: Uint8Array;
}

/** The ClientHello that is out. */
interface Sent {
  readonly body: Uint8Array;
  readonly sequence: number;
  readonly extensions: Extensions;
  readonly shares: readonly KeyShare[];
  readonly retry: Retry | undefined;
}

/**
 * The client up to the ServerHello: offers, follows HelloRetryRequest and HelloVerifyRequest, and starts the version
 * that the server chose.
 *
 * Nothing in the clear is certain to be the server's. Until the server has proven itself, a different answer takes the
 * place of the one before, so that a forged one delays a handshake and does not end it.
 */
export class ClientStart {
  /** Set by the server's choice of version. */
  handshake: Handshake | undefined;
  readonly #context: HandshakeContext;
  readonly #random: Uint8Array;
  readonly #versions: readonly number[];
  #sent: Sent | undefined;
  /** The latest one of each message_seq: with the same, it is answered (RFC 6347 §4.2.2). */
  readonly #sentBySequence = new Map<number, Sent>();
  readonly #retryShares = new Map<DtlsGroup, readonly KeyShare[]>();
  /** The first ClientHello, which a HelloRetryRequest is an answer to. */
  #first: Sent | undefined;
  /** The answer that was followed. */
  #followed: Uint8Array = NOTHING;

  constructor(context: HandshakeContext) {
    this.#context = context;
    this.#random = randomBytes(context.environment.random, RANDOM_BYTES);
    this.#versions = context.policy.versions.map((version) =>
      version === "1.3" ? WireVersion.dtls13 : WireVersion.dtls12,
    );
  }

  /** Sends the first ClientHello. */
  start(now: Millis): void {
    const { environment, policy } = this.#context;
    const groups = this.#offers13 ? policy.keyShares.filter((group) => policy.groups.includes(group)) : [];
    const shares = createKeyShares(environment.crypto, groups);
    this.#first = this.#send(this.#extensions(shares), NOTHING, 0, shares, undefined, now);
  }

  /**
   * Nothing came of the second ClientHello: what asked for it may have been an answer to somebody else's hello. Sends
   * the first one again.
   */
  startOver(now: Millis): void {
    const { channel } = this.#context;
    if (this.#sent === this.#first || this.#first === undefined) return;
    this.#reset();
    this.#followed = NOTHING;
    this.#sent = this.#first;
    channel.startFlight();
    channel.nextSequence = 0;
    channel.send(HandshakeType.clientHello, this.#first.body);
    channel.endFlight(now, true);
  }

  /**
   * Takes a ServerHello, HelloRetryRequest or HelloVerifyRequest.
   *
   * @throws {DtlsError} when it is not acceptable; then it is as if it had not come.
   */
  handleHello(message: HandshakeMessage, now: Millis): void {
    const { channel, records } = this.#context;
    if (equalBytes(message.body, this.#followed)) return;
    const hello = message.type === HandshakeType.serverHello ? decodeServerHello(message.body) : undefined;
    if (hello !== undefined && !isRetryRequest(hello)) {
      this.handshake = this.#handleServerHello(hello, message);
    } else {
      // RFC 6347 §4.2.2: it has the message_seq of the hello it answers. One that answers another than the latest was
      // overtaken, or is an answer to a stranger's.
      if (message.sequence !== this.#sent?.sequence) return;
      if (hello === undefined) this.#handleVerifyRequest(message, now);
      else this.#handleRetryRequest(hello, message, now);
    }
    this.#followed = message.body;
    // RFC 9147 §4: 1.0 in the records of the first ClientHello only.
    channel.plaintext.version = WireVersion.dtls12;
    if (this.handshake === undefined) records.reset();
  }

  #handleVerifyRequest(message: HandshakeMessage, now: Millis): void {
    const cookie = decodeHelloVerifyRequest(message.body);
    const first = this.#first;
    if (first === undefined || !this.#versions.includes(WireVersion.dtls12)) {
      throw new DtlsError(
        "ERR_DTLS_UNEXPECTED_MESSAGE",
        "unexpected_message",
        "HelloVerifyRequest, which is of a version that was not offered",
        "RFC 9147 §5.1",
      );
    }
    this.#reset();
    this.#send(first.extensions, cookie, nextHello(message), first.shares, undefined, now);
  }

  #handleRetryRequest(hello: ServerHello, message: HandshakeMessage, now: Millis): void {
    const { environment, policy } = this.#context;
    const first = this.#first;
    const suite = this.#suiteOf(hello, "1.3");
    const share = hello.extensions.get(ExtensionType.keyShare);
    const cookie = hello.extensions.get(ExtensionType.cookie);
    if (first === undefined || (share === undefined && cookie === undefined)) {
      throw illegalParameter("HelloRetryRequest changes nothing", "RFC 8446 §4.1.4");
    }
    let shares = first.shares;
    if (share !== undefined) {
      const group = groupOf(decodeUint16(share, "key_share"));
      // RFC 8446 §4.2.8: a group that was offered, and no share of it.
      if (
        group === undefined ||
        !policy.groups.includes(group) ||
        shares.some((one) => one.group === group)
      ) {
        throw illegalParameter("HelloRetryRequest asks for a group not offered, or sent", "RFC 8446 §4.2.8");
      }
      // The same share whenever it is asked for: whichever of these hellos is answered, it is the one.
      shares = this.#retryShares.get(group) ?? createKeyShares(environment.crypto, [group]);
      this.#retryShares.set(group, shares);
    }
    const extensions = new Map(first.extensions);
    extensions.set(ExtensionType.keyShare, keyShareExtension(shares));
    if (cookie !== undefined) {
      extensions.set(ExtensionType.cookie, encodeVector16(decodeVector16(cookie, "cookie")));
    }
    this.#reset();
    const retry = { suite, body: message.body, sequence: message.sequence, firstHello: first.body };
    this.#send(extensions, NOTHING, nextHello(message), shares, retry, now);
  }

  #handleServerHello(hello: ServerHello, message: HandshakeMessage): Handshake {
    const sent = this.#sent;
    if (sent === undefined)
      throw illegalParameter("a ServerHello came before our ClientHello", "RFC 8446 §4");
    const chosen = hello.extensions.get(ExtensionType.supportedVersions);
    return chosen === undefined
      ? this.#start12(hello, message, sent)
      : this.#start13(hello, message, sent, decodeUint16(chosen, "supported_versions"));
  }

  #start13(hello: ServerHello, message: HandshakeMessage, sent: Sent, version: number): Handshake {
    const { crypto } = this.#context.environment;
    if (version !== WireVersion.dtls13) {
      throw illegalParameter(
        `the server chose version 0x${version.toString(16)} by extension`,
        "RFC 8446 §4.2.1",
      );
    }
    const suite = this.#suiteOf(hello, "1.3");
    const { retry } = sent;
    if (retry !== undefined && retry.suite !== suite) {
      throw illegalParameter(
        "the server changed the cipher suite after its HelloRetryRequest",
        "RFC 8446 §4.1.4",
      );
    }
    const data = hello.extensions.get(ExtensionType.keyShare);
    const answer = data && decodeKeyShare(data);
    const share = answer && sent.shares.find((one) => GROUP_IDS[one.group] === answer.group);
    const sharedSecret = answer && share?.agree(answer.key);
    if (share === undefined || sharedSecret === undefined) {
      throw illegalParameter("the server's key share is missing, or answers none of ours", "RFC 8446 §4.2.8");
    }
    const transcript = new Transcript(crypto, "1.3", suite.hash);
    if (retry !== undefined) {
      transcript.addClientHelloHash(Transcript.hashClientHello(crypto, suite.hash, retry.firstHello));
      transcript.add(HandshakeType.serverHello, retry.sequence, retry.body);
    }
    transcript.add(HandshakeType.clientHello, sent.sequence, sent.body);
    transcript.add(HandshakeType.serverHello, message.sequence, message.body);
    this.#reset();
    const agreement = { suite, group: share.group, sharedSecret, transcript };
    return new ClientHandshake13(this.#context, agreement, sent.extensions);
  }

  #start12(hello: ServerHello, message: HandshakeMessage, sent: Sent): Handshake {
    const { environment, policy } = this.#context;
    if (hello.version !== WireVersion.dtls12 || !this.#versions.includes(WireVersion.dtls12)) {
      throw new DtlsError(
        "ERR_DTLS_NO_COMMON_VERSION",
        "protocol_version",
        `the server chose version 0x${hello.version.toString(16)}`,
        "RFC 6347 §4.2.1",
      );
    }
    // RFC 8446 §4.1.3: a server that knows 1.3 says so in its random, and nobody in between can take that away.
    if (this.#offers13 && equalBytes(hello.random.subarray(-DOWNGRADE_SENTINEL.length), DOWNGRADE_SENTINEL)) {
      throw new DtlsError(
        "ERR_DTLS_DOWNGRADE",
        "illegal_parameter",
        "the server could have chosen 1.3 and was made to choose 1.2",
        "RFC 8446 §4.1.3",
      );
    }
    const suite = this.#suiteOf(hello, "1.2");
    checkAnswers(hello.extensions, sent.extensions);
    const usesExtendedMasterSecret = hello.extensions.has(ExtensionType.extendedMasterSecret);
    if (!usesExtendedMasterSecret && policy.requireExtendedMasterSecret) throw noExtendedMasterSecret();
    const renegotiation = hello.extensions.get(ExtensionType.renegotiationInfo);
    if (renegotiation !== undefined && !equalBytes(renegotiation, NO_RENEGOTIATION)) {
      throw illegalParameter("the server's renegotiation_info is not empty", "RFC 5746 §3.4");
    }
    const transcript = new Transcript(environment.crypto, "1.2", suite.hash);
    // RFC 6347 §4.2.1: without HelloVerifyRequest and the ClientHello before it.
    transcript.add(HandshakeType.clientHello, sent.sequence, sent.body);
    transcript.add(HandshakeType.serverHello, message.sequence, message.body);
    this.#reset();
    return new ClientHandshake12(this.#context, {
      suite,
      clientRandom: this.#random,
      serverRandom: copyBytes(hello.random),
      usesExtendedMasterSecret,
      srtpProfile: chosenSrtpProfile(hello.extensions.get(ExtensionType.useSrtp), policy),
      transcript,
    });
  }

  get #offers13(): boolean {
    return this.#versions.includes(WireVersion.dtls13);
  }

  /** The suite that a hello chose, of the version that it is of. */
  #suiteOf(hello: ServerHello, version: "1.3" | "1.2"): CipherSuite {
    const suite = this.#context.policy.cipherSuites.find(
      (candidate) => candidate.id === hello.cipherSuite && candidate.version === version,
    );
    const isOffered = this.#context.policy.versions.includes(version);
    if (suite === undefined || !isOffered || hello.compressionMethod !== 0) {
      throw illegalParameter(
        `the server chose cipher suite 0x${hello.cipherSuite.toString(16)}, which was not offered for ${version}`,
        "RFC 8446 §4.1.3",
      );
    }
    if (version === "1.3" && (hello.version !== WireVersion.dtls12 || hello.sessionId.length > 0)) {
      throw illegalParameter("the server's legacy fields are not those of 1.3", "RFC 9147 §5.4");
    }
    return suite;
  }

  /** What came of an answer before this one is void. */
  #reset(): void {
    const { channel, records } = this.#context;
    records.reset();
    channel.sealer = channel.plaintext;
    channel.usesAcks = false;
    this.handshake = undefined;
  }

  #send(
    extensions: Extensions,
    cookie: Uint8Array,
    sequence: number,
    shares: readonly KeyShare[],
    retry: Retry | undefined,
    now: Millis,
  ): Sent {
    const { channel, policy } = this.#context;
    const body = encodeClientHello({
      version: WireVersion.dtls12,
      random: this.#random,
      sessionId: NOTHING,
      cookie,
      cipherSuites: policy.cipherSuites
        .filter((suite) => policy.versions.includes(suite.version))
        .map((suite) => suite.id),
      compressionMethods: NO_COMPRESSION,
      extensions,
    });
    channel.startFlight();
    channel.nextSequence = sequence;
    channel.send(HandshakeType.clientHello, body);
    channel.endFlight(now, true);
    const sent = { body, sequence, extensions, shares, retry };
    this.#sent = sent;
    this.#sentBySequence.set(sequence, sent);
    return sent;
  }

  #extensions(shares: readonly KeyShare[]): Extensions {
    const { policy } = this.#context;
    const groups = policy.groups.filter((group) => this.#offers13 || group !== "X25519MLKEM768");
    const extensions = new Map<number, Uint8Array>([
      [ExtensionType.supportedVersions, encodeVersions(this.#versions)],
      [ExtensionType.supportedGroups, encodeUint16List(groups.map(groupId))],
      [ExtensionType.signatureAlgorithms, encodeUint16List(SIGNATURE_SCHEME_IDS)],
    ]);
    if (this.#offers13) extensions.set(ExtensionType.keyShare, keyShareExtension(shares));
    if (policy.srtpProfiles.length > 0) {
      const ids = policy.srtpProfiles.map((profile) => SRTP_PROFILES[profile].id);
      extensions.set(ExtensionType.useSrtp, encodeUseSrtp(ids));
    }
    if (this.#versions.includes(WireVersion.dtls12)) {
      extensions.set(ExtensionType.extendedMasterSecret, PRESENT);
      extensions.set(ExtensionType.ecPointFormats, EC_POINT_FORMATS);
      extensions.set(ExtensionType.renegotiationInfo, NO_RENEGOTIATION);
    }
    return extensions;
  }
}

/** RFC 7627 §5.3. */
export function noExtendedMasterSecret(): DtlsError {
  return new DtlsError(
    "ERR_DTLS_NO_EXTENDED_MASTER_SECRET",
    "handshake_failure",
    "the peer does not use the extended master secret",
    "RFC 7627 §5.3",
  );
}

/** Servers ask once; forged requests must not count message_seq up to where nobody takes it. */
const MAX_HELLO_SEQUENCE = 8;

/** message_seq of the hello that answers a request for one. */
function nextHello(request: HandshakeMessage): number {
  return request.sequence < MAX_HELLO_SEQUENCE ? request.sequence + 1 : 1;
}

function keyShareExtension(shares: readonly KeyShare[]): Uint8Array {
  return encodeKeyShares(shares.map(({ group, publicKey }) => ({ group: GROUP_IDS[group], key: publicKey })));
}

function groupId(group: DtlsGroup): number {
  return GROUP_IDS[group];
}

/** RFC 5246 §7.4.1.4: a server answers extensions, and does not bring its own. */
function checkAnswers(answers: Extensions, offered: Extensions): void {
  for (const type of answers.keys()) {
    if (offered.has(type)) continue;
    throw new DtlsError(
      "ERR_DTLS_ILLEGAL_PARAMETER",
      "unsupported_extension",
      `ServerHello has extension ${type}, which was not offered`,
      "RFC 5246 §7.4.1.4",
    );
  }
}
