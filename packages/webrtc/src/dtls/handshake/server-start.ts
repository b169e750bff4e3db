import { copyBytes, equalBytes } from "../../bytes/index.ts";
import { type Millis, randomBytes } from "../../sansio/index.ts";
import { answerKeyShare, type DtlsGroup, GROUP_IDS, groupOf } from "../cipher/group.ts";
import { HASH_BYTES } from "../cipher/hkdf.ts";
import { chooseSignatureScheme } from "../cipher/signature.ts";
import type { CipherSuite } from "../cipher/suite.ts";
import {
  DOWNGRADE_SENTINEL,
  type DtlsVersion,
  ExtensionType,
  HandshakeType,
  RANDOM_BYTES,
  RETRY_RANDOM,
  WireVersion,
} from "../constants.ts";
import { CookieSecret } from "../cookie.ts";
import { DtlsError } from "../errors.ts";
import { ServerHandshake12 } from "../flight12/server.ts";
import { ServerHandshake13 } from "../flight13/server.ts";
import type { DtlsOptions } from "../options.ts";
import { SRTP_PROFILES } from "../srtp-profile.ts";
import { WireReader, WireWriter } from "../wire.ts";
import { noCommonScheme } from "./checks.ts";
import { noExtendedMasterSecret } from "./client-start.ts";
import type { Handshake, HandshakeContext } from "./context.ts";
import {
  decodeKeyShares,
  decodeUint16List,
  decodeVector16,
  decodeVersions,
  EC_POINT_FORMATS,
  encodeKeyShare,
  encodeUint16,
  encodeUseSrtp,
  encodeVector16,
  NO_RENEGOTIATION,
  PRESENT,
} from "./extensions.ts";
import type { HandshakeMessage } from "./fragment.ts";
import { type ClientHello, decodeClientHello, encodeHelloVerifyRequest, encodeServerHello } from "./hello.ts";
import { chooseSrtpProfile, illegalParameter, nothingInCommon } from "./negotiation.ts";
import { Transcript } from "./transcript.ts";

const NOTHING = new Uint8Array(0);
/** RFC 5746 §3.3: a client that cannot send the extension says it so. */
const EMPTY_RENEGOTIATION_SCSV = 0x00ff;
/** RFC 8422 §5.1: in 1.2 a client that names no groups takes any; this one everybody has. */
const DEFAULT_GROUP = GROUP_IDS.secp256r1;
/** Cookies a second for hellos that do not fit the handshake under way: a race takes a few, a flood gets no more. */
const MAX_RIVAL_COOKIES_PER_SECOND = 200;

/** What a cookie of 1.3 remembers of the first ClientHello. */
interface Remembered {
  readonly suite: CipherSuite;
  /** The group that was asked for. */
  readonly group: DtlsGroup | undefined;
  readonly helloHash: Uint8Array;
  readonly retryRequest: Uint8Array;
}

/**
 * The server up to its ServerHello: chooses, asks for another ClientHello where it has to, and starts the version it
 * chose. It decides on whole ClientHellos only.
 *
 * The first hello is answered. A different one, before the client has proven itself, may be the real client's or a
 * stranger's: it is asked for a cookie, which only the real one receives, and with the cookie takes the place of the
 * first. Nothing is remembered for that: a cookie holds what is needed.
 */
export class ServerStart {
  /** Set with the first hello that is answered. */
  handshake: Handshake | undefined;
  readonly #context: HandshakeContext;
  readonly #cookie: DtlsOptions["cookie"];
  #secret: CookieSecret | undefined;
  /** The hello that {@link handshake} answers. */
  #answered: HandshakeMessage | undefined;
  /** 1.2: random of the client that has brought a cookie: it is the one we answer. */
  #provenRandom: Uint8Array | undefined;
  #rivalsSince: Millis = Number.NEGATIVE_INFINITY;
  #rivals = 0;

  constructor(context: HandshakeContext, cookie: DtlsOptions["cookie"]) {
    this.#context = context;
    this.#cookie = cookie;
    this.#secret = cookie?.secret;
  }

  /**
   * Takes a ClientHello.
   *
   * @throws {DtlsError} when it is not acceptable; then it is as if it had not come.
   */
  handleHello(message: HandshakeMessage, recordSequence: number, now: Millis): void {
    const answered = this.#answered;
    // The same hello with another message_seq is another to the transcript of 1.2.
    if (answered?.sequence === message.sequence && equalBytes(message.body, answered.body)) {
      this.#context.channel.repeatFlight(now);
      return;
    }
    const hello = decodeClientHello(message.body);
    if (!hello.compressionMethods.includes(0))
      throw illegalParameter("no null compression", "RFC 8446 §4.1.2");
    if (this.#chooseVersion(hello) === "1.3") this.#handleHello13(hello, message, recordSequence, now);
    else this.#handleHello12(hello, message, recordSequence, now);
  }

  #chooseVersion(hello: ClientHello): DtlsVersion {
    const { policy } = this.#context;
    const versions = decodeVersions(hello.extensions.get(ExtensionType.supportedVersions));
    const offered = versions ?? (hello.version <= WireVersion.dtls12 ? [WireVersion.dtls12] : []);
    const version = policy.versions.find((candidate) =>
      offered.includes(candidate === "1.3" ? WireVersion.dtls13 : WireVersion.dtls12),
    );
    if (version !== undefined) return version;
    throw new DtlsError(
      "ERR_DTLS_NO_COMMON_VERSION",
      "protocol_version",
      "the client offers no version that is accepted here",
      "RFC 8446 §4.2.1",
    );
  }

  #handleHello13(hello: ClientHello, message: HandshakeMessage, recordSequence: number, now: Millis): void {
    const { policy } = this.#context;
    // RFC 9147 §5.3, RFC 8446 §4.1.2.
    if (hello.cookie.length > 0 || hello.compressionMethods.length !== 1) {
      throw illegalParameter("the ClientHello's legacy fields are not those of 1.3", "RFC 9147 §5.3");
    }
    const cookie = hello.extensions.get(ExtensionType.cookie);
    const remembered = cookie && this.#openCookie(hello, decodeVector16(cookie, "cookie"));
    const suite = remembered?.suite ?? this.#chooseSuite13(hello);
    const groups = decodeUint16List(hello.extensions.get(ExtensionType.supportedGroups), "supported_groups");
    const shares = decodeKeyShares(hello.extensions.get(ExtensionType.keyShare));
    const wanted = remembered?.group;
    const group = policy.groups.find(
      (candidate) =>
        (wanted === undefined || candidate === wanted) &&
        shares.some((share) => share.group === GROUP_IDS[candidate]),
    );
    if (remembered === undefined && (group === undefined || this.#demandsCookie)) {
      const asked = group ?? policy.groups.find((candidate) => groups.includes(GROUP_IDS[candidate]));
      if (asked === undefined) throw nothingInCommon("group");
      this.#sendRetryRequest(
        hello,
        message,
        suite,
        group === undefined ? asked : undefined,
        recordSequence,
        now,
      );
      return;
    }
    const share = shares.find((candidate) => group !== undefined && candidate.group === GROUP_IDS[group]);
    if (group === undefined || share === undefined) {
      throw illegalParameter(
        "the second ClientHello lacks the key share that was asked for",
        "RFC 8446 §4.1.2",
      );
    }
    const signatureSchemes = this.#checkSignatures(hello);
    const answer = answerKeyShare(this.#context.environment.crypto, group, share.key);
    if (answer === undefined) {
      throw illegalParameter(`the client's key share is not one of ${group}`, "RFC 8446 §4.2.8");
    }
    this.#begin(message, recordSequence);
    const transcript = this.#transcript13(suite, remembered, message);
    const body = encodeServerHello({
      version: WireVersion.dtls12,
      random: randomBytes(this.#context.environment.random, RANDOM_BYTES),
      // RFC 9147 §5: not echoed.
      sessionId: NOTHING,
      cipherSuite: suite.id,
      compressionMethod: 0,
      extensions: new Map([
        [ExtensionType.supportedVersions, encodeUint16(WireVersion.dtls13)],
        [ExtensionType.keyShare, encodeKeyShare({ group: GROUP_IDS[group], key: answer.publicKey })],
      ]),
    });
    transcript.add(
      HandshakeType.serverHello,
      this.#context.channel.send(HandshakeType.serverHello, body),
      body,
    );
    const srtpProfile = chooseSrtpProfile(hello.extensions, policy);
    this.handshake = new ServerHandshake13(
      this.#context,
      { suite, group, sharedSecret: answer.secret, transcript },
      { signatureSchemes, srtpProfile },
      now,
    );
  }

  #chooseSuite13(hello: ClientHello): CipherSuite {
    const suite = this.#context.policy.cipherSuites.find(
      (candidate) => candidate.version === "1.3" && hello.cipherSuites.includes(candidate.id),
    );
    if (suite === undefined) throw nothingInCommon("cipher suite of 1.3");
    return suite;
  }

  /** The client's signature schemes, of which one has to fit our key. */
  #checkSignatures(hello: ClientHello): readonly number[] {
    const { certificate } = this.#context;
    const schemes = decodeUint16List(
      hello.extensions.get(ExtensionType.signatureAlgorithms),
      "signature_algorithms",
    );
    if (
      certificate !== undefined &&
      chooseSignatureScheme(certificate.key.keyType, "1.3", schemes) === undefined
    ) {
      throw noCommonScheme(certificate.key.keyType);
    }
    return schemes;
  }

  #transcript13(
    suite: CipherSuite,
    remembered: Remembered | undefined,
    message: HandshakeMessage,
  ): Transcript {
    const transcript = new Transcript(this.#context.environment.crypto, "1.3", suite.hash);
    if (remembered !== undefined) {
      transcript.addClientHelloHash(remembered.helloHash);
      transcript.add(HandshakeType.serverHello, 0, remembered.retryRequest);
    }
    transcript.add(HandshakeType.clientHello, message.sequence, message.body);
    return transcript;
  }

  #handleHello12(hello: ClientHello, message: HandshakeMessage, recordSequence: number, now: Millis): void {
    const { environment, policy, channel, certificate } = this.#context;
    if (this.#demandsCookie && !this.#isCookie12(hello)) {
      if (this.#allowsRival(now)) {
        const cookie = this.#cookieSecret.seal(NOTHING, ...this.#binding12(hello));
        channel.plaintext.skipTo(recordSequence);
        channel.sendOnce(
          HandshakeType.helloVerifyRequest,
          message.sequence,
          encodeHelloVerifyRequest(cookie),
        );
      }
      return;
    }
    // The client whose cookie was good, again with another message_seq: it was asked several times.
    if (this.#provenRandom !== undefined && equalBytes(hello.random, this.#provenRandom)) {
      channel.repeatFlight(now);
      return;
    }
    const keyType = certificate?.key.keyType;
    const authentication = keyType === "rsa" ? "rsa" : "ecdsa";
    const suite = policy.cipherSuites.find(
      (candidate) => candidate.authentication === authentication && hello.cipherSuites.includes(candidate.id),
    );
    if (suite === undefined) throw nothingInCommon(`cipher suite of 1.2 for a key of ${keyType}`);
    const usesExtendedMasterSecret = hello.extensions.has(ExtensionType.extendedMasterSecret);
    if (!usesExtendedMasterSecret && policy.requireExtendedMasterSecret) throw noExtendedMasterSecret();
    const offered = hello.extensions.get(ExtensionType.supportedGroups);
    const groups = offered === undefined ? [DEFAULT_GROUP] : decodeUint16List(offered, "supported_groups");
    const group = policy.groups.find(
      (candidate) => candidate !== "X25519MLKEM768" && groups.includes(GROUP_IDS[candidate]),
    );
    if (group === undefined) throw nothingInCommon("group");
    const schemes = decodeUint16List(
      hello.extensions.get(ExtensionType.signatureAlgorithms),
      "signature_algorithms",
    );
    const signature = keyType && chooseSignatureScheme(keyType, "1.2", schemes);
    if (signature === undefined) throw noCommonScheme(keyType ?? "no type");
    const srtpProfile = chooseSrtpProfile(hello.extensions, policy);
    const serverRandom = randomBytes(environment.random, RANDOM_BYTES);
    // RFC 8446 §4.1.3.
    if (policy.versions.includes("1.3")) {
      serverRandom.set(DOWNGRADE_SENTINEL, RANDOM_BYTES - DOWNGRADE_SENTINEL.length);
    }
    const extensions = new Map<number, Uint8Array>();
    if (usesExtendedMasterSecret) extensions.set(ExtensionType.extendedMasterSecret, PRESENT);
    if (hello.extensions.has(ExtensionType.ecPointFormats)) {
      extensions.set(ExtensionType.ecPointFormats, EC_POINT_FORMATS);
    }
    if (
      hello.extensions.has(ExtensionType.renegotiationInfo) ||
      hello.cipherSuites.includes(EMPTY_RENEGOTIATION_SCSV)
    ) {
      extensions.set(ExtensionType.renegotiationInfo, NO_RENEGOTIATION);
    }
    if (srtpProfile !== undefined) {
      extensions.set(ExtensionType.useSrtp, encodeUseSrtp([SRTP_PROFILES[srtpProfile].id]));
    }
    this.#provenRandom = this.#demandsCookie ? copyBytes(hello.random) : undefined;
    this.#begin(message, recordSequence);
    const body = encodeServerHello({
      version: WireVersion.dtls12,
      random: serverRandom,
      // RFC 5246 §7.4.1.3: empty: the session is not kept for resumption.
      sessionId: NOTHING,
      cipherSuite: suite.id,
      compressionMethod: 0,
      extensions,
    });
    const transcript = new Transcript(environment.crypto, "1.2", suite.hash);
    transcript.add(HandshakeType.clientHello, message.sequence, message.body);
    transcript.add(HandshakeType.serverHello, channel.send(HandshakeType.serverHello, body), body);
    this.handshake = new ServerHandshake12(
      this.#context,
      {
        suite,
        clientRandom: copyBytes(hello.random),
        serverRandom,
        usesExtendedMasterSecret,
        srtpProfile,
        transcript,
      },
      group,
      signature,
      now,
    );
  }

  /** The hello is the one to answer: what came of another is void. */
  #begin(message: HandshakeMessage, recordSequence: number): void {
    const { channel, records } = this.#context;
    records.reset();
    channel.sealer = channel.plaintext;
    channel.usesAcks = false;
    channel.startFlight();
    // What a server that remembers nothing has sent before: one answer to each hello (RFC 6347 §4.2.2).
    channel.nextSequence = message.sequence;
    channel.plaintext.skipTo(recordSequence);
    this.#answered = message;
  }

  /** Whether a hello has to come with a cookie: nothing proves the address, or another hello was first. */
  get #demandsCookie(): boolean {
    return this.#cookie !== undefined || this.handshake !== undefined;
  }

  get #cookieSecret(): CookieSecret {
    const { crypto, random } = this.#context.environment;
    this.#secret ??= new CookieSecret(crypto, random);
    return this.#secret;
  }

  #allowsRival(now: Millis): boolean {
    if (now - this.#rivalsSince >= 1000) {
      this.#rivalsSince = now;
      this.#rivals = 0;
    }
    return this.#rivals++ < MAX_RIVAL_COOKIES_PER_SECOND;
  }

  #sendRetryRequest(
    hello: ClientHello,
    message: HandshakeMessage,
    suite: CipherSuite,
    group: DtlsGroup | undefined,
    recordSequence: number,
    now: Millis,
  ): void {
    const { channel, environment } = this.#context;
    if (!this.#allowsRival(now)) return;
    const content = new WireWriter()
      .uint16(suite.id)
      .uint16(group === undefined ? 0 : GROUP_IDS[group])
      .bytes(Transcript.hashClientHello(environment.crypto, suite.hash, message.body))
      .finish();
    const cookie = this.#cookieSecret.seal(content, ...this.#binding13(hello));
    channel.plaintext.skipTo(recordSequence);
    channel.sendOnce(HandshakeType.serverHello, message.sequence, encodeRetryRequest(suite, group, cookie));
  }

  #openCookie(hello: ClientHello, cookie: Uint8Array): Remembered {
    const content = this.#cookieSecret.open(cookie, ...this.#binding13(hello));
    if (content === undefined) {
      throw new DtlsError(
        "ERR_DTLS_BAD_COOKIE",
        "illegal_parameter",
        "the ClientHello's cookie is not one of ours, or for another client",
        "RFC 9147 §5.1",
      );
    }
    const reader = new WireReader(content, "cookie");
    const suiteId = reader.uint16();
    const suite = this.#context.policy.cipherSuites.find((candidate) => candidate.id === suiteId);
    const group = groupOf(reader.uint16());
    if (suite === undefined) throw nothingInCommon("cipher suite");
    const helloHash = reader.bytes(HASH_BYTES[suite.hash]);
    return { suite, group, helloHash, retryRequest: encodeRetryRequest(suite, group, cookie) };
  }

  /** RFC 8446 §4.1.2: the random stays the same in both hellos, so a cookie is one client's. */
  #binding13(hello: ClientHello): Uint8Array[] {
    return [this.#cookie?.address ?? NOTHING, hello.random];
  }

  /** RFC 6347 §4.2.1: the parameters of the ClientHello. */
  #binding12(hello: ClientHello): Uint8Array[] {
    const suites = new WireWriter().uint16List(2, hello.cipherSuites).finish();
    return [this.#cookie?.address ?? NOTHING, hello.random, hello.sessionId, suites];
  }

  #isCookie12(hello: ClientHello): boolean {
    return this.#cookieSecret.open(hello.cookie, ...this.#binding12(hello)) !== undefined;
  }
}

/** HelloRetryRequest (RFC 8446 §4.1.4): always the same for the same cookie, so that it need not be remembered. */
function encodeRetryRequest(
  suite: CipherSuite,
  group: DtlsGroup | undefined,
  cookie: Uint8Array,
): Uint8Array {
  const extensions = new Map<number, Uint8Array>();
  extensions.set(ExtensionType.supportedVersions, encodeUint16(WireVersion.dtls13));
  if (group !== undefined) extensions.set(ExtensionType.keyShare, encodeUint16(GROUP_IDS[group]));
  extensions.set(ExtensionType.cookie, encodeVector16(cookie));
  return encodeServerHello({
    version: WireVersion.dtls12,
    random: RETRY_RANDOM,
    sessionId: NOTHING,
    cipherSuite: suite.id,
    compressionMethod: 0,
    extensions,
  });
}
