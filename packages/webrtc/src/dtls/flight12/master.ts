import type { CryptoProvider } from "../../crypto/index.ts";
import { answerKeyShare, type DtlsGroup, type KeyShareAnswer } from "../cipher/group.ts";
import {
  deriveKeyBlock,
  extendedMasterSecret,
  type KeyBlockHalf,
  masterSecret,
  prf,
  VERIFY_DATA_BYTES,
} from "../cipher/prf.ts";
import type { CipherSuite } from "../cipher/suite.ts";
import { type HandshakeContext, type HandshakeResult, unexpectedMessage } from "../handshake/context.ts";
import type { HandshakeMessage } from "../handshake/fragment.ts";
import { illegalParameter } from "../handshake/negotiation.ts";
import type { Transcript } from "../handshake/transcript.ts";
import { RecordOpener12, RecordSealer12 } from "../record/sealed-record-12.ts";
import type { SrtpProfile } from "../srtp-profile.ts";
import { WireWriter } from "../wire.ts";

/** Epoch of everything protected in 1.2. */
export const PROTECTED_EPOCH = 1;

/** What the hellos of 1.2 settled. */
export interface Agreement12 {
  readonly suite: CipherSuite;
  readonly clientRandom: Uint8Array;
  readonly serverRandom: Uint8Array;
  /** RFC 7627. */
  readonly usesExtendedMasterSecret: boolean;
  readonly srtpProfile: SrtpProfile | undefined;
  /** Up to and with the ServerHello. */
  readonly transcript: Transcript;
}

/** The randoms and the key exchange, which the server signs (RFC 8422 §5.4). */
export function signedContent12(agreement: Agreement12, parameters: Uint8Array): Uint8Array {
  return new WireWriter()
    .bytes(agreement.clientRandom)
    .bytes(agreement.serverRandom)
    .bytes(parameters)
    .finish();
}

/** The secret of one handshake of 1.2 and what follows from it. */
export class MasterSecret12 {
  readonly #crypto: CryptoProvider;
  readonly #agreement: Agreement12;
  readonly #master: Uint8Array;
  readonly #block: { readonly client: KeyBlockHalf; readonly server: KeyBlockHalf };

  /** The transcript is at ClientKeyExchange: its hash is the session hash of RFC 7627 §3. */
  constructor(crypto: CryptoProvider, agreement: Agreement12, premaster: Uint8Array) {
    const { suite, clientRandom, serverRandom, transcript, usesExtendedMasterSecret } = agreement;
    this.#crypto = crypto;
    this.#agreement = agreement;
    this.#master = usesExtendedMasterSecret
      ? extendedMasterSecret(crypto, suite.hash, premaster, transcript.digest())
      : masterSecret(crypto, suite.hash, premaster, join(clientRandom, serverRandom));
    this.#block = deriveKeyBlock(crypto, suite, this.#master, clientRandom, serverRandom);
  }

  sealer(side: "client" | "server"): RecordSealer12 {
    return new RecordSealer12(this.#crypto, this.#agreement.suite, this.#block[side]);
  }

  opener(side: "client" | "server"): RecordOpener12 {
    return new RecordOpener12(this.#crypto, this.#agreement.suite, this.#block[side]);
  }

  /** verify_data over the transcript so far (RFC 5246 §7.4.9). */
  verifyData(side: "client" | "server"): Uint8Array {
    const { suite, transcript } = this.#agreement;
    const label = `${side} finished`;
    return prf(this.#crypto, suite.hash, this.#master, label, transcript.digest(), VERIFY_DATA_BYTES);
  }

  result(group: DtlsGroup): HandshakeResult {
    const { suite, srtpProfile } = this.#agreement;
    return {
      version: "1.2",
      suite,
      group,
      srtpProfile,
      keys: undefined,
      exportKeyingMaterial: (label, context, length) => this.#export(label, context, length),
    };
  }

  /** RFC 5705 §4: with a context, its length stands before it; without, nothing does. */
  #export(label: string, context: Uint8Array | undefined, length: number): Uint8Array {
    const { suite, clientRandom, serverRandom } = this.#agreement;
    const seed = new WireWriter().bytes(clientRandom).bytes(serverRandom);
    if (context !== undefined) seed.vector(2, context);
    return prf(this.#crypto, suite.hash, this.#master, label, seed.finish(), length);
  }
}

/** The client's half of ECDHE, from the server's key. */
export function agreeOn(context: HandshakeContext, group: DtlsGroup, publicKey: Uint8Array): KeyShareAnswer {
  const answer = answerKeyShare(context.environment.crypto, group, publicKey);
  if (answer === undefined) {
    throw illegalParameter(`the peer's public key is not one of ${group}`, "RFC 8422 §5.4");
  }
  return answer;
}

/** In 1.2 what comes before Finished is in the clear, and Finished is not. */
export function checkEpoch(message: HandshakeMessage, epoch: number): void {
  if (message.epoch !== epoch) throw unexpectedMessage(message, `a message in epoch ${epoch}`);
}

function join(a: Uint8Array, b: Uint8Array): Uint8Array {
  return new WireWriter().bytes(a).bytes(b).finish();
}
