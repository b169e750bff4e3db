import type { Millis } from "../../sansio/index.ts";
import { type DtlsGroup, groupOf } from "../cipher/group.ts";
import { chooseSignatureScheme } from "../cipher/signature.ts";
import { HandshakeType } from "../constants.ts";
import {
  decodeCertificateRequest12,
  decodeCertificates,
  decodeServerKeyExchange,
  encodeCertificates,
  encodeClientKeyExchange,
  encodeSigned,
} from "../handshake/authentication.ts";
import { checkFinished, noCommonScheme } from "../handshake/checks.ts";
import {
  type Handshake,
  type HandshakeContext,
  type HandshakeResult,
  unexpectedMessage,
} from "../handshake/context.ts";
import type { HandshakeMessage } from "../handshake/fragment.ts";
import { illegalParameter } from "../handshake/negotiation.ts";
import {
  type Agreement12,
  agreeOn,
  checkEpoch,
  MasterSecret12,
  PROTECTED_EPOCH,
  signedContent12,
} from "./master.ts";

type State =
  | "certificate"
  | "serverKeyExchange"
  | "certificateRequest"
  | "serverHelloDone"
  | "finished"
  | "done";

/**
 * The client of DTLS 1.2 after the ServerHello (RFC 6347 §4.2.4, RFC 8422 §2):
 *
 * ```
 *   Certificate ServerKeyExchange CertificateRequest? ServerHelloDone  <-
 *   -> Certificate? ClientKeyExchange CertificateVerify? [ChangeCipherSpec] {Finished}
 *   [ChangeCipherSpec] {Finished}  <-
 * ```
 */
export class ClientHandshake12 implements Handshake {
  readonly #context: HandshakeContext;
  readonly #agreement: Agreement12;
  #state: State = "certificate";
  #group: DtlsGroup = "secp256r1";
  #serverKey: Uint8Array | undefined;
  #requested: readonly number[] | undefined;
  #master: MasterSecret12 | undefined;
  #result: HandshakeResult | undefined;

  constructor(context: HandshakeContext, agreement: Agreement12) {
    this.#context = context;
    this.#agreement = agreement;
  }

  /** The server signed our random: what came before is its, and not a stranger's. */
  get isBound(): boolean {
    return this.#serverKey !== undefined;
  }

  get result(): HandshakeResult | undefined {
    return this.#result;
  }

  handleMessage(message: HandshakeMessage, now: Millis): void {
    checkEpoch(message, this.#state === "finished" ? PROTECTED_EPOCH : 0);
    switch (this.#state) {
      case "certificate":
        this.#handleCertificate(message);
        break;
      case "serverKeyExchange":
        this.#handleServerKeyExchange(message);
        break;
      case "certificateRequest":
      case "serverHelloDone":
        if (message.type === HandshakeType.serverHelloDone) {
          this.#handleServerHelloDone(message, now);
          return;
        }
        if (message.type !== HandshakeType.certificateRequest || this.#state === "serverHelloDone") {
          throw unexpectedMessage(message, "ServerHelloDone");
        }
        this.#requested = decodeCertificateRequest12(message.body);
        this.#state = "serverHelloDone";
        break;
      case "finished":
        this.#handleFinished(message);
        return;
      case "done":
        throw unexpectedMessage(message, "no more handshake messages");
      default:
        this.#state satisfies never;
    }
    this.#agreement.transcript.add(message.type, message.sequence, message.body);
  }

  #handleCertificate(message: HandshakeMessage): void {
    if (message.type !== HandshakeType.certificate) throw unexpectedMessage(message, "Certificate");
    const { peer } = this.#context;
    peer.setChain(decodeCertificates("1.2", message.body));
    const isRsa = peer.keyType === "rsa";
    if (isRsa !== (this.#agreement.suite.authentication === "rsa")) {
      throw illegalParameter(
        `the server's key of ${peer.keyType} does not fit ${this.#agreement.suite.name}`,
        "RFC 8422 §2",
      );
    }
    this.#state = "serverKeyExchange";
  }

  #handleServerKeyExchange(message: HandshakeMessage): void {
    if (message.type !== HandshakeType.serverKeyExchange)
      throw unexpectedMessage(message, "ServerKeyExchange");
    const { peer, policy } = this.#context;
    const exchange = decodeServerKeyExchange(message.body);
    const group = groupOf(exchange.group);
    if (group === undefined || group === "X25519MLKEM768" || !policy.groups.includes(group)) {
      throw illegalParameter(
        `the server chose group ${exchange.group}, which was not offered`,
        "RFC 8422 §5.4",
      );
    }
    peer.verify("1.2", signedContent12(this.#agreement, exchange.parameters), exchange.signed);
    this.#group = group;
    this.#serverKey = exchange.publicKey;
    this.#state = "certificateRequest";
  }

  #handleServerHelloDone(message: HandshakeMessage, now: Millis): void {
    const { transcript } = this.#agreement;
    const { certificate, channel, environment, records } = this.#context;
    if (message.body.length > 0) throw illegalParameter("ServerHelloDone is not empty", "RFC 5246 §7.4.5");
    if (this.#serverKey === undefined) throw unexpectedMessage(message, "ServerKeyExchange");
    const chosen =
      certificate &&
      this.#requested &&
      chooseSignatureScheme(certificate.key.keyType, "1.2", this.#requested);
    if (certificate !== undefined && this.#requested !== undefined && chosen === undefined) {
      throw noCommonScheme(certificate.key.keyType);
    }
    const exchange = agreeOn(this.#context, this.#group, this.#serverKey);
    transcript.add(message.type, message.sequence, message.body);
    channel.startFlight();
    if (this.#requested !== undefined) {
      this.#send(HandshakeType.certificate, encodeCertificates("1.2", certificate?.chain ?? []));
    }
    this.#send(HandshakeType.clientKeyExchange, encodeClientKeyExchange(exchange.publicKey));
    const master = new MasterSecret12(environment.crypto, this.#agreement, exchange.secret);
    this.#master = master;
    if (certificate !== undefined && chosen !== undefined) {
      const signature = certificate.key.sign(chosen.scheme, transcript.messages());
      this.#send(HandshakeType.certificateVerify, encodeSigned({ scheme: chosen.id, signature }));
    }
    transcript.dropMessages();
    channel.sendChangeCipherSpec();
    channel.sealer = master.sealer("client");
    this.#send(HandshakeType.finished, master.verifyData("client"));
    records.addOpener(master.opener("server"));
    channel.endFlight(now, true);
    this.#state = "finished";
  }

  #handleFinished(message: HandshakeMessage): void {
    if (message.type !== HandshakeType.finished || this.#master === undefined) {
      throw unexpectedMessage(message, "Finished");
    }
    checkFinished(message.body, this.#master.verifyData("server"));
    // Nothing is outstanding, and a repetition of this Finished asks for nothing.
    this.#context.channel.startFlight();
    this.#state = "done";
    this.#result = this.#master.result(this.#group);
  }

  #send(type: number, body: Uint8Array): void {
    this.#agreement.transcript.add(type, this.#context.channel.send(type, body), body);
  }
}
