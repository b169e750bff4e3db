import type { SignatureScheme } from "../../crypto/index.ts";
import type { Millis } from "../../sansio/index.ts";
import { createKeyShares, type DtlsGroup, GROUP_IDS, type KeyShare } from "../cipher/group.ts";
import { SIGNATURE_SCHEME_IDS } from "../cipher/signature.ts";
import { HandshakeType } from "../constants.ts";
import {
  decodeCertificates,
  decodeClientKeyExchange,
  decodeSigned,
  encodeCertificateRequest12,
  encodeCertificates,
  encodeKeyExchangeParameters,
  encodeSigned,
} from "../handshake/authentication.ts";
import { checkFinished } from "../handshake/checks.ts";
import {
  type Handshake,
  type HandshakeContext,
  type HandshakeResult,
  unexpectedMessage,
} from "../handshake/context.ts";
import type { HandshakeMessage } from "../handshake/fragment.ts";
import { illegalParameter } from "../handshake/negotiation.ts";
import { WireWriter } from "../wire.ts";
import { type Agreement12, checkEpoch, MasterSecret12, PROTECTED_EPOCH, signedContent12 } from "./master.ts";

const NOTHING = new Uint8Array(0);

/** How the server signs its key exchange. */
export interface ServerSignature {
  readonly id: number;
  readonly scheme: SignatureScheme;
}

type State = "certificate" | "clientKeyExchange" | "certificateVerify" | "finished" | "done";

/**
 * The server of DTLS 1.2 from the ServerHello on, which is in the flight already (RFC 6347 §4.2.4, RFC 8422 §2):
 *
 * ```
 *   Certificate ServerKeyExchange CertificateRequest? ServerHelloDone  ->
 *   <- Certificate? ClientKeyExchange CertificateVerify? [ChangeCipherSpec] {Finished}
 *   [ChangeCipherSpec] {Finished}  ->
 * ```
 */
export class ServerHandshake12 implements Handshake {
  readonly #context: HandshakeContext;
  readonly #agreement: Agreement12;
  readonly #group: DtlsGroup;
  readonly #share: KeyShare;
  #state: State;
  #isBound = false;
  #master: MasterSecret12 | undefined;
  #result: HandshakeResult | undefined;

  constructor(
    context: HandshakeContext,
    agreement: Agreement12,
    group: DtlsGroup,
    signature: ServerSignature,
    now: Millis,
  ) {
    this.#context = context;
    this.#agreement = agreement;
    this.#group = group;
    this.#share = createKeyShares(context.environment.crypto, [group])[0]!;
    this.#state = context.policy.requestClientCertificate ? "certificate" : "clientKeyExchange";
    this.#sendFlight(signature, now);
  }

  get isBound(): boolean {
    return this.#isBound;
  }

  get result(): HandshakeResult | undefined {
    return this.#result;
  }

  handleMessage(message: HandshakeMessage, now: Millis): void {
    checkEpoch(message, this.#state === "finished" ? PROTECTED_EPOCH : 0);
    const { transcript } = this.#agreement;
    const { peer } = this.#context;
    switch (this.#state) {
      case "certificate":
        if (message.type !== HandshakeType.certificate) throw unexpectedMessage(message, "Certificate");
        peer.setChain(decodeCertificates("1.2", message.body));
        this.#state = "clientKeyExchange";
        break;
      case "clientKeyExchange":
        this.#handleClientKeyExchange(message);
        return;
      case "certificateVerify":
        if (message.type !== HandshakeType.certificateVerify) {
          throw unexpectedMessage(message, "CertificateVerify");
        }
        peer.verify("1.2", transcript.messages(), decodeSigned(message.body));
        this.#isBound = true;
        transcript.dropMessages();
        this.#state = "finished";
        break;
      case "finished":
        this.#handleFinished(message, now);
        return;
      case "done":
        throw unexpectedMessage(message, "no more handshake messages");
      default:
        this.#state satisfies never;
    }
    transcript.add(message.type, message.sequence, message.body);
  }

  #sendFlight(signature: ServerSignature, now: Millis): void {
    const { certificate, channel, policy } = this.#context;
    if (certificate === undefined) return;
    this.#send(HandshakeType.certificate, encodeCertificates("1.2", certificate.chain));
    const parameters = encodeKeyExchangeParameters(GROUP_IDS[this.#group], this.#share.publicKey);
    const content = signedContent12(this.#agreement, parameters);
    const signed = encodeSigned({
      scheme: signature.id,
      signature: certificate.key.sign(signature.scheme, content),
    });
    const exchange = new WireWriter().bytes(parameters).bytes(signed).finish();
    this.#send(HandshakeType.serverKeyExchange, exchange);
    if (policy.requestClientCertificate) {
      this.#send(HandshakeType.certificateRequest, encodeCertificateRequest12(SIGNATURE_SCHEME_IDS));
    }
    this.#send(HandshakeType.serverHelloDone, NOTHING);
    channel.endFlight(now, true);
  }

  #handleClientKeyExchange(message: HandshakeMessage): void {
    if (message.type !== HandshakeType.clientKeyExchange)
      throw unexpectedMessage(message, "ClientKeyExchange");
    const { environment, policy, records } = this.#context;
    const { transcript } = this.#agreement;
    const premaster = this.#share.agree(decodeClientKeyExchange(message.body));
    if (premaster === undefined) {
      throw illegalParameter(`the client's public key is not one of ${this.#group}`, "RFC 8422 §5.7");
    }
    transcript.add(message.type, message.sequence, message.body);
    this.#master = new MasterSecret12(environment.crypto, this.#agreement, premaster);
    records.addOpener(this.#master.opener("client"));
    this.#state = policy.requestClientCertificate ? "certificateVerify" : "finished";
  }

  #handleFinished(message: HandshakeMessage, now: Millis): void {
    const { channel } = this.#context;
    const { transcript } = this.#agreement;
    if (message.type !== HandshakeType.finished || this.#master === undefined) {
      throw unexpectedMessage(message, "Finished");
    }
    checkFinished(message.body, this.#master.verifyData("client"));
    transcript.add(message.type, message.sequence, message.body);
    channel.startFlight();
    channel.sendChangeCipherSpec();
    channel.sealer = this.#master.sealer("server");
    this.#send(HandshakeType.finished, this.#master.verifyData("server"));
    // RFC 6347 §4.2.4: the last flight is repeated when the client repeats its own, not by a timer.
    channel.endFlight(now, false);
    this.#state = "done";
    this.#result = this.#master.result(this.#group);
  }

  #send(type: number, body: Uint8Array): void {
    this.#agreement.transcript.add(type, this.#context.channel.send(type, body), body);
  }
}
