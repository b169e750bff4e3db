import type { Millis } from "../../sansio/index.ts";
import { Hkdf } from "../cipher/hkdf.ts";
import {
  deriveTrafficKeys,
  exportKeyingMaterial13,
  finishedMac,
  KeySchedule,
  type TrafficSecrets,
} from "../cipher/key-schedule.ts";
import { ExtensionType, HandshakeType } from "../constants.ts";
import { DtlsError } from "../errors.ts";
import {
  decodeCertificateRequest13,
  decodeCertificates,
  decodeSigned,
  signedContent13,
} from "../handshake/authentication.ts";
import { checkFinished } from "../handshake/checks.ts";
import {
  type Handshake,
  type HandshakeContext,
  type HandshakeResult,
  unexpectedMessage,
} from "../handshake/context.ts";
import { decodeExtensions, type Extensions } from "../handshake/extensions.ts";
import type { HandshakeMessage } from "../handshake/fragment.ts";
import { chosenSrtpProfile } from "../handshake/negotiation.ts";
import { RecordOpener13, RecordSealer13 } from "../record/sealed-record-13.ts";
import type { SrtpProfile } from "../srtp-profile.ts";
import { WireReader } from "../wire.ts";
import { type Agreement13, HANDSHAKE_EPOCH, sendAuthentication } from "./agreement.ts";
import { KeyUpdater } from "./key-update.ts";

const NOTHING = new Uint8Array(0);

type State = "encryptedExtensions" | "certificateRequest" | "certificateVerify" | "finished" | "done";

/**
 * The client of DTLS 1.3 after the ServerHello (RFC 8446 §2):
 *
 * ```
 *   {EncryptedExtensions} {CertificateRequest}? {Certificate} {CertificateVerify} {Finished}  <-
 *   -> {Certificate}? {CertificateVerify}? {Finished}
 * ```
 */
export class ClientHandshake13 implements Handshake {
  readonly isBound = false;
  readonly #context: HandshakeContext;
  readonly #agreement: Agreement13;
  readonly #offered: Extensions;
  readonly #hkdf: Hkdf;
  readonly #schedule: KeySchedule;
  readonly #secrets: TrafficSecrets;
  #state: State = "encryptedExtensions";
  #srtpProfile: SrtpProfile | undefined;
  /** Schemes the server understands, once it has asked for a certificate. */
  #requested: readonly number[] | undefined;
  #result: HandshakeResult | undefined;

  constructor(context: HandshakeContext, agreement: Agreement13, offered: Extensions) {
    const { environment, channel, records } = context;
    const { suite, sharedSecret, transcript } = agreement;
    this.#context = context;
    this.#agreement = agreement;
    this.#offered = offered;
    this.#hkdf = new Hkdf(environment.crypto, suite.hash);
    this.#schedule = new KeySchedule(this.#hkdf, sharedSecret);
    this.#secrets = this.#schedule.handshakeSecrets(transcript.digest());
    const read = deriveTrafficKeys(this.#hkdf, suite, this.#secrets.server);
    const write = deriveTrafficKeys(this.#hkdf, suite, this.#secrets.client);
    records.addOpener(new RecordOpener13(environment.crypto, suite, read, HANDSHAKE_EPOCH));
    channel.sealer = new RecordSealer13(environment.crypto, suite, write, HANDSHAKE_EPOCH);
    channel.usesAcks = true;
  }

  get result(): HandshakeResult | undefined {
    return this.#result;
  }

  handleMessage(message: HandshakeMessage, now: Millis): void {
    if (message.epoch !== HANDSHAKE_EPOCH) throw unexpectedMessage(message, "a protected message");
    switch (this.#state) {
      case "encryptedExtensions":
        this.#handleEncryptedExtensions(message);
        break;
      case "certificateRequest":
        if (message.type === HandshakeType.certificateRequest && this.#requested === undefined) {
          this.#requested = decodeCertificateRequest13(message.body);
        } else this.#handleCertificate(message);
        break;
      case "certificateVerify":
        this.#handleCertificateVerify(message);
        break;
      case "finished":
        this.#handleFinished(message, now);
        return;
      case "done":
        throw unexpectedMessage(message, "no more handshake messages");
      default:
        this.#state satisfies never;
    }
    this.#agreement.transcript.add(message.type, message.sequence, message.body);
  }

  #handleEncryptedExtensions(message: HandshakeMessage): void {
    if (message.type !== HandshakeType.encryptedExtensions) {
      throw unexpectedMessage(message, "EncryptedExtensions");
    }
    const reader = new WireReader(message.body, "EncryptedExtensions");
    const extensions = decodeExtensions(reader);
    reader.end();
    for (const type of extensions.keys()) {
      // RFC 8446 §4.2: an answer to something that was not asked.
      if (!this.#offered.has(type)) {
        throw new DtlsError(
          "ERR_DTLS_ILLEGAL_PARAMETER",
          "unsupported_extension",
          `EncryptedExtensions has extension ${type}, which was not offered`,
          "RFC 8446 §4.2",
        );
      }
    }
    this.#srtpProfile = chosenSrtpProfile(extensions.get(ExtensionType.useSrtp), this.#context.policy);
    this.#state = "certificateRequest";
  }

  #handleCertificate(message: HandshakeMessage): void {
    if (message.type !== HandshakeType.certificate) throw unexpectedMessage(message, "Certificate");
    this.#context.peer.setChain(decodeCertificates("1.3", message.body));
    this.#state = "certificateVerify";
  }

  #handleCertificateVerify(message: HandshakeMessage): void {
    if (message.type !== HandshakeType.certificateVerify)
      throw unexpectedMessage(message, "CertificateVerify");
    const content = signedContent13("server", this.#agreement.transcript.digest());
    this.#context.peer.verify("1.3", content, decodeSigned(message.body));
    this.#state = "finished";
  }

  #handleFinished(message: HandshakeMessage, now: Millis): void {
    const { transcript } = this.#agreement;
    if (message.type !== HandshakeType.finished) throw unexpectedMessage(message, "Finished");
    checkFinished(message.body, finishedMac(this.#hkdf, this.#secrets.server, transcript.digest()));
    transcript.add(message.type, message.sequence, message.body);
    this.#finish(now);
  }

  /** Our flight, and the keys of the application. */
  #finish(now: Millis): void {
    const { environment, channel, records } = this.#context;
    const { suite, group, transcript } = this.#agreement;
    const { crypto } = environment;
    const hkdf = this.#hkdf;
    // RFC 8446 §7.1: up to the server's Finished, without what the client sends.
    const secrets = this.#schedule.applicationSecrets(transcript.digest());
    channel.startFlight();
    if (this.#requested !== undefined)
      sendAuthentication(this.#context, transcript, "client", this.#requested);
    const mac = finishedMac(hkdf, this.#secrets.client, transcript.digest());
    channel.send(HandshakeType.finished, mac);
    channel.endFlight(now, true);
    const keys = new KeyUpdater(crypto, hkdf, suite, channel, records, {
      write: secrets.client,
      read: secrets.server,
    });
    keys.startWriting();
    keys.startReading();
    this.#state = "done";
    this.#result = {
      version: "1.3",
      suite,
      group,
      srtpProfile: this.#srtpProfile,
      keys,
      exportKeyingMaterial: (label, exportContext, length) =>
        exportKeyingMaterial13(crypto, hkdf, secrets.exporter, label, exportContext ?? NOTHING, length),
    };
  }
}
