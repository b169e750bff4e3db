import type { Millis } from "../../sansio/index.ts";
import { Hkdf } from "../cipher/hkdf.ts";
import {
  type ApplicationSecrets,
  deriveTrafficKeys,
  exportKeyingMaterial13,
  finishedMac,
  KeySchedule,
  type TrafficSecrets,
} from "../cipher/key-schedule.ts";
import { SIGNATURE_SCHEME_IDS } from "../cipher/signature.ts";
import { ExtensionType, HandshakeType } from "../constants.ts";
import {
  decodeCertificates,
  decodeSigned,
  encodeCertificateRequest13,
  signedContent13,
} from "../handshake/authentication.ts";
import { checkFinished } from "../handshake/checks.ts";
import {
  type Handshake,
  type HandshakeContext,
  type HandshakeResult,
  unexpectedMessage,
} from "../handshake/context.ts";
import { encodeExtensions, encodeUseSrtp } from "../handshake/extensions.ts";
import type { HandshakeMessage } from "../handshake/fragment.ts";
import { RecordOpener13, RecordSealer13 } from "../record/sealed-record-13.ts";
import { SRTP_PROFILES, type SrtpProfile } from "../srtp-profile.ts";
import { WireWriter } from "../wire.ts";
import { type Agreement13, HANDSHAKE_EPOCH, sendAuthentication } from "./agreement.ts";
import { KeyUpdater } from "./key-update.ts";

const NOTHING = new Uint8Array(0);

/** What of the ClientHello the rest of the flight answers. */
export interface ClientOffer13 {
  readonly signatureSchemes: readonly number[];
  readonly srtpProfile: SrtpProfile | undefined;
}

type State = "certificate" | "certificateVerify" | "finished" | "done";

/**
 * The server of DTLS 1.3 from the ServerHello on, which is in the flight already (RFC 8446 §2):
 *
 * ```
 *   {EncryptedExtensions} {CertificateRequest}? {Certificate} {CertificateVerify} {Finished}  ->
 *   <- {Certificate}? {CertificateVerify}? {Finished}
 *   [ACK] ->
 * ```
 */
export class ServerHandshake13 implements Handshake {
  readonly isBound = false;
  readonly #context: HandshakeContext;
  readonly #agreement: Agreement13;
  readonly #hkdf: Hkdf;
  readonly #secrets: TrafficSecrets;
  readonly #application: ApplicationSecrets;
  readonly #keys: KeyUpdater;
  readonly #srtpProfile: SrtpProfile | undefined;
  #state: State;
  #result: HandshakeResult | undefined;

  constructor(context: HandshakeContext, agreement: Agreement13, offer: ClientOffer13, now: Millis) {
    const { environment, channel, records, policy } = context;
    const { crypto } = environment;
    const { suite, sharedSecret, transcript } = agreement;
    this.#context = context;
    this.#agreement = agreement;
    this.#srtpProfile = offer.srtpProfile;
    this.#state = policy.requestClientCertificate ? "certificate" : "finished";
    this.#hkdf = new Hkdf(crypto, suite.hash);
    const schedule = new KeySchedule(this.#hkdf, sharedSecret);
    this.#secrets = schedule.handshakeSecrets(transcript.digest());
    const read = deriveTrafficKeys(this.#hkdf, suite, this.#secrets.client);
    const write = deriveTrafficKeys(this.#hkdf, suite, this.#secrets.server);
    records.addOpener(new RecordOpener13(crypto, suite, read, HANDSHAKE_EPOCH));
    channel.sealer = new RecordSealer13(crypto, suite, write, HANDSHAKE_EPOCH);
    channel.usesAcks = true;
    this.#sendFlight(offer.signatureSchemes);
    // RFC 8446 §7.1: up to our Finished.
    this.#application = schedule.applicationSecrets(transcript.digest());
    this.#keys = new KeyUpdater(crypto, this.#hkdf, suite, channel, records, {
      write: this.#application.server,
      read: this.#application.client,
    });
    this.#keys.startWriting();
    channel.endFlight(now, true);
  }

  get result(): HandshakeResult | undefined {
    return this.#result;
  }

  handleMessage(message: HandshakeMessage): void {
    if (message.epoch !== HANDSHAKE_EPOCH) throw unexpectedMessage(message, "a protected message");
    const { peer, channel } = this.#context;
    const { transcript } = this.#agreement;
    switch (this.#state) {
      case "certificate":
        if (message.type !== HandshakeType.certificate) throw unexpectedMessage(message, "Certificate");
        peer.setChain(decodeCertificates("1.3", message.body));
        // RFC 9147 §7: the start of the answer acknowledges all of our flight.
        channel.finishFlight();
        this.#state = "certificateVerify";
        break;
      case "certificateVerify": {
        // RFC 8446 §4.4.3: a certificate without the proof of its key is nobody's.
        if (message.type !== HandshakeType.certificateVerify) {
          throw unexpectedMessage(message, "CertificateVerify");
        }
        peer.verify("1.3", signedContent13("client", transcript.digest()), decodeSigned(message.body));
        this.#state = "finished";
        break;
      }
      case "finished":
        if (message.type !== HandshakeType.finished) throw unexpectedMessage(message, "Finished");
        checkFinished(message.body, finishedMac(this.#hkdf, this.#secrets.client, transcript.digest()));
        channel.finishFlight();
        this.#finish();
        return;
      case "done":
        throw unexpectedMessage(message, "no more handshake messages");
      default:
        this.#state satisfies never;
    }
    transcript.add(message.type, message.sequence, message.body);
  }

  #sendFlight(understood: readonly number[]): void {
    const { channel, policy } = this.#context;
    const { transcript } = this.#agreement;
    this.#send(HandshakeType.encryptedExtensions, this.#encryptedExtensions());
    if (policy.requestClientCertificate) {
      this.#send(HandshakeType.certificateRequest, encodeCertificateRequest13(SIGNATURE_SCHEME_IDS));
    }
    sendAuthentication(this.#context, transcript, "server", understood);
    const mac = finishedMac(this.#hkdf, this.#secrets.server, transcript.digest());
    transcript.add(HandshakeType.finished, channel.send(HandshakeType.finished, mac), mac);
  }

  #encryptedExtensions(): Uint8Array {
    const writer = new WireWriter();
    const profile = this.#srtpProfile;
    encodeExtensions(
      writer,
      new Map(
        profile === undefined ? [] : [[ExtensionType.useSrtp, encodeUseSrtp([SRTP_PROFILES[profile].id])]],
      ),
    );
    return writer.finish();
  }

  #send(type: number, body: Uint8Array): void {
    this.#agreement.transcript.add(type, this.#context.channel.send(type, body), body);
  }

  #finish(): void {
    const { crypto } = this.#context.environment;
    const { suite, group } = this.#agreement;
    const hkdf = this.#hkdf;
    const { exporter } = this.#application;
    // RFC 9147 §5.8.1: data is read only once the client's Finished has been.
    this.#keys.startReading();
    this.#state = "done";
    this.#result = {
      version: "1.3",
      suite,
      group,
      srtpProfile: this.#srtpProfile,
      keys: this.#keys,
      exportKeyingMaterial: (label, context, length) =>
        exportKeyingMaterial13(crypto, hkdf, exporter, label, context ?? NOTHING, length),
    };
  }
}
