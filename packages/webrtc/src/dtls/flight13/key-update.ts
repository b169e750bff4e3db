import type { CryptoProvider } from "../../crypto/index.ts";
import type { Millis } from "../../sansio/index.ts";
import type { Hkdf } from "../cipher/hkdf.ts";
import { deriveTrafficKeys, nextTrafficSecret } from "../cipher/key-schedule.ts";
import type { CipherSuite } from "../cipher/suite.ts";
import { HandshakeType } from "../constants.ts";
import { DtlsError } from "../errors.ts";
import type { HandshakeChannel } from "../handshake/channel.ts";
import type { RecordLayer } from "../record/record-layer.ts";
import { RecordOpener13, RecordSealer13 } from "../record/sealed-record-13.ts";

/** KeyUpdate (RFC 8446 §4.6.3): one byte. */
const UPDATE_NOT_REQUESTED = 0;
const UPDATE_REQUESTED = 1;

/** First epoch of the application (RFC 9147 §6.1). */
export const APPLICATION_EPOCH = 3;

/** Application keys of 1.3, and their updates (RFC 9147 §8). */
export class KeyUpdater {
  readonly #crypto: CryptoProvider;
  readonly #hkdf: Hkdf;
  readonly #suite: CipherSuite;
  readonly #channel: HandshakeChannel;
  readonly #records: RecordLayer;
  #writeSecret: Uint8Array;
  #readSecret: Uint8Array;
  #writeEpoch = APPLICATION_EPOCH;
  #readEpoch = APPLICATION_EPOCH;
  /** Our KeyUpdate is out and not acknowledged: the new keys may not be used yet. */
  #isUpdating = false;
  /** The peer asked for one when we could not. */
  #isOwed = false;

  constructor(
    crypto: CryptoProvider,
    hkdf: Hkdf,
    suite: CipherSuite,
    channel: HandshakeChannel,
    records: RecordLayer,
    secrets: { readonly write: Uint8Array; readonly read: Uint8Array },
  ) {
    this.#crypto = crypto;
    this.#hkdf = hkdf;
    this.#suite = suite;
    this.#channel = channel;
    this.#records = records;
    this.#writeSecret = secrets.write;
    this.#readSecret = secrets.read;
  }

  /** Starts to write with the application's keys. */
  startWriting(): void {
    this.#channel.sealer = this.#createSealer();
  }

  /** Starts to read with them. */
  startReading(): void {
    this.#records.addOpener(this.#createOpener());
  }

  /**
   * Changes the keys we write with, as soon as the peer has acknowledged it.
   *
   * @param requestsPeer - Whether the peer is to change its own.
   * @returns false when another flight is under way.
   */
  update(now: Millis, requestsPeer: boolean): boolean {
    // RFC 9147 §5.8.4: not before an earlier one is acknowledged; and one flight at a time is simplest.
    if (this.#isUpdating || this.#channel.isWaiting) return false;
    this.#isUpdating = true;
    this.#isOwed = false;
    this.#channel.startFlight();
    this.#channel.send(
      HandshakeType.keyUpdate,
      Uint8Array.of(requestsPeer ? UPDATE_REQUESTED : UPDATE_NOT_REQUESTED),
    );
    this.#channel.endFlight(now, true);
    return true;
  }

  /** The peer has everything we sent. */
  handleFlightAcked(now: Millis): void {
    if (this.#isUpdating) {
      this.#isUpdating = false;
      this.#writeEpoch++;
      this.#writeSecret = nextTrafficSecret(this.#hkdf, this.#writeSecret);
      this.startWriting();
    }
    if (this.#isOwed) this.update(now, false);
  }

  /** The peer's KeyUpdate. */
  handleKeyUpdate(body: Uint8Array): void {
    const [request] = body;
    if (body.length !== 1 || (request !== UPDATE_NOT_REQUESTED && request !== UPDATE_REQUESTED)) {
      throw new DtlsError(
        "ERR_DTLS_ILLEGAL_PARAMETER",
        "illegal_parameter",
        `KeyUpdate of ${body.length} bytes asks neither for an update nor for none`,
        "RFC 8446 §4.6.3",
      );
    }
    this.#readEpoch++;
    this.#readSecret = nextTrafficSecret(this.#hkdf, this.#readSecret);
    // The keys before stay until the new ones were seen at work (RFC 9147 §8); the record layer keeps a few.
    this.startReading();
    if (request === UPDATE_REQUESTED) this.#isOwed = true;
  }

  /** Sends the KeyUpdate that the peer asked for, after its own was acknowledged. */
  answerRequest(now: Millis): void {
    if (this.#isOwed) this.update(now, false);
  }

  #createSealer(): RecordSealer13 {
    const keys = deriveTrafficKeys(this.#hkdf, this.#suite, this.#writeSecret);
    return new RecordSealer13(this.#crypto, this.#suite, keys, this.#writeEpoch);
  }

  #createOpener(): RecordOpener13 {
    const keys = deriveTrafficKeys(this.#hkdf, this.#suite, this.#readSecret);
    return new RecordOpener13(this.#crypto, this.#suite, keys, this.#readEpoch);
  }
}
