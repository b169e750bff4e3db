import type { CryptoProvider } from "../crypto/index.ts";
import type { PacketArena, PacketSlot } from "../kernel/index.ts";
import {
  type Core,
  type Environment,
  InvalidStateError,
  type Millis,
  Queue,
  TimerTable,
} from "../sansio/index.ts";
import { Alert, alertName } from "./alert.ts";
import { ContentType, HandshakeType, WireVersion } from "./constants.ts";
import { DtlsError } from "./errors.ts";
import type { DtlsCloseReason, DtlsCounters, DtlsEvent } from "./events.ts";
import type { DtlsFingerprint } from "./fingerprint.ts";
import { APPLICATION_EPOCH } from "./flight13/key-update.ts";
import { HandshakeChannel } from "./handshake/channel.ts";
import { ClientStart } from "./handshake/client-start.ts";
import {
  type Handshake,
  type HandshakeContext,
  type HandshakeResult,
  PeerIdentity,
  unexpectedMessage,
} from "./handshake/context.ts";
import { decodeFragment, HANDSHAKE_HEADER_BYTES, type HandshakeMessage } from "./handshake/fragment.ts";
import { Reassembler } from "./handshake/reassembler.ts";
import { ServerStart } from "./handshake/server-start.ts";
import { type DtlsOptions, type DtlsPolicy, type DtlsRole, resolvePolicy } from "./options.ts";
import {
  MAX_SEQUENCE,
  type OpenedRecord,
  RECORD_HEADROOM_BYTES,
  RECORD_TRAILER_BYTES,
} from "./record/record.ts";
import { RecordLayer } from "./record/record-layer.ts";
import { SRTP_PROFILES, type SrtpMasterKey, type SrtpProfile, splitSrtpKeys } from "./srtp-profile.ts";

export type DtlsState = "new" | "connecting" | "verifying" | "connected" | "closed";

type TimerName = "handshake" | "grace" | "epoch";

/** Packets one turn may bring about: a window of SCTP. */
const MAX_TRANSMITS = 1024;
const MAX_EVENTS = 1024;
/** Room that data leaves for the events that must not be lost. */
const RESERVED_EVENTS = 8;
/** Data that arrives before somebody has said that the peer is the right one: an SCTP handshake and its first bytes. */
const MAX_HELD_PACKETS = 16;
/** RFC 9147 §4.5.3. */
const MAX_FORGED_RECORDS = 2 ** 36;
/**
 * RFC 9147 §5.8.1 has a server answer repetitions of the client's last flight for twice the MSL, 4 minutes. A client
 * of ours repeats for 30 s at most, every 2 s; browsers give up after as long.
 */
const OLD_EPOCH_MS = 60_000;
/** RFC 5764 §4.2. */
const LABEL_SRTP = "EXTRACTOR-dtls_srtp";

/**
 * One DTLS association, 1.3 (RFC 9147) or 1.2 (RFC 6347), client or server, with a peer on one proven path.
 *
 * Datagrams go in by {@link handleInput} and come out as slots of the arena by {@link pollTransmit}; what is sent by
 * {@link send} or {@link sendPacket} is one record each. Nothing that a stranger can write ends it: what is not
 * authentic is dropped and counted, and a forged message during the handshake gives way to the real one.
 */
export class DtlsConnection implements Core<Uint8Array, PacketSlot, DtlsEvent> {
  readonly role: DtlsRole;
  readonly #log: Environment["log"];
  readonly #arena: PacketArena;
  readonly #policy: DtlsPolicy;
  readonly #context: HandshakeContext;
  readonly #channel: HandshakeChannel;
  readonly #records: RecordLayer;
  readonly #peer: PeerIdentity;
  readonly #client: ClientStart | undefined;
  readonly #server: ServerStart | undefined;
  readonly #transmits = new Queue<PacketSlot>(MAX_TRANSMITS);
  readonly #events = new Queue<DtlsEvent>(MAX_EVENTS);
  readonly #timers = new TimerTable<TimerName>(["handshake", "grace", "epoch"]);
  /** Hellos: in any order, for a newer one may be the right one. */
  readonly #hellos = new Reassembler();
  /** Everything after them, in order. */
  readonly #messages = new Reassembler();
  #state: DtlsState = "new";
  #result: HandshakeResult | undefined;
  /** The peer has proven to be the one that the hellos were exchanged with. */
  #isBound = false;
  /** What ends the handshake unless it moves on. */
  #doom: DtlsCloseReason | undefined;
  #held: PacketSlot[] = [];
  #malformed = 0;
  #unprotected = 0;
  #refused = 0;
  #dropped = 0;

  /**
   * @param arena - Holds what is sent and received. Slots of at least the MTU with the headroom.
   * @throws {RangeError} when the options contradict themselves, or a slot cannot hold a datagram of the MTU.
   */
  constructor(environment: Environment<CryptoProvider>, arena: PacketArena, options: DtlsOptions) {
    this.role = options.role;
    this.#log = environment.log;
    this.#arena = arena;
    this.#policy = resolvePolicy(options);
    checkSlotSize(arena, this.#policy);
    const isClient = options.role === "client";
    // RFC 9147 §4: 1.0 in the records of a first ClientHello, for middleboxes and servers that know nothing newer.
    const version = isClient ? WireVersion.dtls10 : WireVersion.dtls12;
    this.#channel = new HandshakeChannel(arena, this.#policy, this.#transmits, version);
    this.#records = new RecordLayer(arena);
    this.#peer = new PeerIdentity(environment.crypto, options.remoteFingerprints);
    this.#context = {
      environment,
      policy: this.#policy,
      certificate: options.certificate,
      channel: this.#channel,
      records: this.#records,
      peer: this.#peer,
    };
    this.#client = isClient ? new ClientStart(this.#context) : undefined;
    this.#server = isClient ? undefined : new ServerStart(this.#context, options.cookie);
  }

  /**
   * Starts the handshake: a client sends its hello, a server starts to wait for one.
   *
   * @throws {InvalidStateError} when it was started before.
   */
  start(now: Millis): void {
    if (this.#state !== "new")
      throw new InvalidStateError(`a DTLS connection starts once; it is ${this.#state}`);
    this.#begin(now);
    this.#client?.start(now);
  }

  /**
   * Sends application data: one record in one datagram. The bytes are copied.
   *
   * @returns false when there is no memory for it: it is lost like a packet in the network.
   * @throws {InvalidStateError} when the connection is not connected.
   * @throws {RangeError} when the data does not fit a slot.
   */
  send(data: Uint8Array, now: Millis): boolean {
    this.#checkConnected();
    const slot = this.acquirePacket();
    if (slot === undefined) {
      this.#dropped++;
      return false;
    }
    const room = slot.bytes.length - slot.start - RECORD_TRAILER_BYTES;
    if (data.length > room) {
      slot.arena.release(slot);
      throw new RangeError(`a record in this arena holds at most ${room} bytes, got ${data.length}`);
    }
    slot.bytes.set(data, slot.start);
    slot.end = slot.start + data.length;
    return this.sendPacket(slot, now);
  }

  /**
   * A slot to build application data in, for {@link sendPacket}: with room before it for the record's header and what
   * outer layers prepend. Undefined when the arena is exhausted.
   */
  acquirePacket(): PacketSlot | undefined {
    return this.#arena.acquire(this.#policy.headroomBytes + RECORD_HEADROOM_BYTES);
  }

  /**
   * Sends the application data that was built in a slot of {@link acquirePacket}; it is protected in place.
   *
   * @param slot - Ours from now on. 17 bytes behind the data are needed.
   * @returns false when it was dropped.
   * @throws {InvalidStateError} when the connection is not connected.
   */
  sendPacket(slot: PacketSlot, now: Millis): boolean {
    this.#checkConnected();
    const { sealer } = this.#channel;
    const start = slot.start - sealer.headerBytes;
    slot.end = sealer.seal(ContentType.applicationData, slot.bytes, slot.start, slot.end);
    slot.start = start;
    this.#checkLimits(now);
    if (this.#transmits.push(slot)) return true;
    slot.arena.release(slot);
    this.#dropped++;
    return false;
  }

  /** Says which certificates are the peer's. A different one ends the connection. */
  setRemoteFingerprints(fingerprints: readonly DtlsFingerprint[]): void {
    try {
      this.#peer.setFingerprints(fingerprints);
    } catch (error) {
      this.#failWith(error);
      return;
    }
    this.#confirm();
  }

  /** Says that the certificate of the `certificate` event is the peer's, by whatever the owner goes by. */
  acceptRemoteCertificate(): void {
    this.#peer.accept();
    this.#confirm();
  }

  /** Says that it is not; this ends the connection. */
  refuseRemoteCertificate(message: string): void {
    this.#failWith(new DtlsError("ERR_DTLS_CERTIFICATE_REFUSED", "bad_certificate", message));
  }

  /**
   * Changes our keys and asks the peer to change its own. In 1.2 there is no such thing.
   *
   * @returns whether it was begun.
   */
  updateKeys(now: Millis): boolean {
    return this.#state === "connected" && this.#result?.keys?.update(now, true) === true;
  }

  /** Says goodbye and ends the connection. */
  close(): void {
    if (this.#state === "closed") return;
    if (this.#state !== "new") this.#channel.sendAlert("close_notify");
    this.#end({ type: "local" });
  }

  handleInput(datagram: Uint8Array, now: Millis): void {
    if (this.#state === "closed") return;
    if (this.#state === "new") {
      if (this.role === "client") return;
      this.#begin(now);
    }
    this.#handleDatagram(datagram, now);
    if (this.#records.hasEarly) this.#handleEarly(now);
    this.#confirm();
  }

  handleTimeout(now: Millis): void {
    if (this.#state === "closed") return;
    for (let due = this.#timers.expire(now); due !== undefined; due = this.#timers.expire(now)) {
      if (due === "epoch") this.#records.dropOpenersBelow(Math.min(APPLICATION_EPOCH, this.#records.epoch));
      else if (due === "grace") this.#fail(this.#doom ?? timeout(this.#policy));
      else if (this.#result === undefined) this.#fail(this.#doom ?? timeout(this.#policy));
      // The peer answers, and does not acknowledge: repeated enough.
      else this.#channel.stop();
    }
    if (this.state === "closed") return;
    this.#channel.handleTimeout(now);
    if (this.#channel.isStalled && !this.#isFinal) this.#client?.startOver(now);
  }

  /** The next datagram. The slot is the caller's, to be released to its arena; `to` is not set. */
  pollTransmit(): PacketSlot | undefined {
    return this.#transmits.shift();
  }

  /** The next event. The slot of `data` is the caller's. */
  pollEvent(): DtlsEvent | undefined {
    return this.#events.shift();
  }

  pollTimeout(): Millis {
    return this.#state === "closed"
      ? Number.POSITIVE_INFINITY
      : Math.min(this.#timers.next(), this.#channel.pollTimeout());
  }

  get state(): DtlsState {
    return this.#state;
  }

  /**
   * Whether the peer's address is proven, or our options do not ask for it: a listener may forget a connection for
   * which this is false.
   */
  get isAddressProven(): boolean {
    return this.#server === undefined || this.#server.handshake !== undefined;
  }

  /** A snapshot. */
  get counters(): DtlsCounters {
    const { malformed, replayed, forged, early, noMemory } = this.#records.counters;
    return {
      malformed: malformed + this.#malformed,
      replayed,
      forged,
      early,
      unprotected: this.#unprotected,
      refused: this.#refused,
      noMemory: noMemory + this.#dropped + this.#channel.droppedCount,
    };
  }

  /** Bytes held for handshake messages that are not complete: never more than 2 × 64 KiB. */
  get heldBytes(): number {
    return this.#hellos.heldBytes + this.#messages.heldBytes;
  }

  /**
   * Keying material for another protocol (RFC 5705, RFC 8446 §7.5).
   *
   * @param context - In 1.2 an empty one is not the same as none.
   * @throws {InvalidStateError} before the connection is connected.
   */
  exportKeyingMaterial(label: string, context: Uint8Array | undefined, length: number): Uint8Array {
    if (this.#result === undefined || this.#state !== "connected") {
      throw new InvalidStateError(`keying material is there once DTLS is connected; it is ${this.#state}`);
    }
    return this.#result.exportKeyingMaterial(label, context, length);
  }

  /**
   * The keys of SRTP (RFC 5764 §4.2), or undefined when no profile was agreed on.
   *
   * @throws {InvalidStateError} before the connection is connected.
   */
  exportSrtpKeys():
    | { readonly profile: SrtpProfile; readonly local: SrtpMasterKey; readonly remote: SrtpMasterKey }
    | undefined {
    const profile = this.#result?.srtpProfile;
    if (this.#state === "connected" && profile === undefined) return undefined;
    const parameters = SRTP_PROFILES[profile ?? "SRTP_AEAD_AES_128_GCM"];
    const length = 2 * (parameters.keyBytes + parameters.saltBytes);
    const material = this.exportKeyingMaterial(LABEL_SRTP, undefined, length);
    const { client, server } = splitSrtpKeys(parameters, material);
    if (profile === undefined) return undefined;
    return this.role === "client"
      ? { profile, local: client, remote: server }
      : { profile, local: server, remote: client };
  }

  #begin(now: Millis): void {
    this.#state = "connecting";
    this.#timers.set("handshake", now + this.#policy.handshakeTimeoutMs);
  }

  get #handshake(): Handshake | undefined {
    return this.#client?.handshake ?? this.#server?.handshake;
  }

  /** Records overtook what their keys follow from. */
  #handleEarly(now: Millis): void {
    // RFC 9147 §7.1: an empty ACK tells a server of 1.3 that its ServerHello was lost.
    if (this.#records.epoch === 0) {
      if (this.role === "client") this.#channel.scheduleAck(now);
      return;
    }
    // Twice: the first may hold the Finished that the keys of the second follow from.
    for (let round = 0; round < 2 && this.#state !== "closed"; round++) {
      for (const early of this.#records.takeEarly()) this.#handleDatagram(early, now);
    }
    if (this.#result !== undefined) this.#records.settle();
  }

  #handleDatagram(datagram: Uint8Array, now: Millis): void {
    this.#records.begin(datagram);
    for (let record = this.#records.next(); record !== undefined; record = this.#records.next()) {
      if (this.#state === "closed") continue;
      if (record.epoch > 0) this.#bind();
      this.#handleRecord(record, now);
    }
    if (this.#records.failures >= MAX_FORGED_RECORDS) {
      const text = "too many forged records for the keys in use";
      this.#failWith(new DtlsError("ERR_DTLS_LIMIT", "internal_error", text, "RFC 9147 §4.5.3"));
    }
  }

  /** A protected record was authentic: the keys, and so the hellos, are the peer's. */
  #bind(): void {
    if (this.#isBound) return;
    this.#isBound = true;
    this.#channel.acksPlaintext = true;
    this.#hellos.reset(0);
  }

  #handleRecord(record: OpenedRecord, now: Millis): void {
    switch (record.type) {
      case ContentType.handshake:
        this.#handleHandshake(record, now);
        return;
      case ContentType.applicationData:
        this.#handleData(record);
        return;
      case ContentType.alert:
        this.#handleAlert(record, now);
        return;
      case ContentType.ack:
        if (!this.#channel.usesAcks) this.#unprotected++;
        else if (this.#channel.handleAck(contentOf(record), record.epoch, now)) this.#handleFlightAcked(now);
        return;
      default:
        // RFC 6347 §4.1: ChangeCipherSpec says what the epoch says. Others are not for us.
        if (this.#result !== undefined && record.epoch === 0) this.#unprotected++;
    }
  }

  #handleFlightAcked(now: Millis): void {
    if (this.#result === undefined) return;
    this.#timers.stop("handshake");
    this.#result.keys?.handleFlightAcked(now);
  }

  #handleData(record: OpenedRecord): void {
    // RFC 9147 §6.1: application data has keys of its own in 1.3.
    const isProtected = record.epoch > 0 && record.epoch !== 2;
    if (!isProtected || this.#result === undefined) {
      this.#unprotected++;
      return;
    }
    const packet = this.#records.take();
    if (packet === undefined) return;
    if (this.#state !== "connected") {
      if (this.#held.length < MAX_HELD_PACKETS) this.#held.push(packet);
      else this.#drop(packet);
      return;
    }
    if (this.#events.length >= MAX_EVENTS - RESERVED_EVENTS) this.#drop(packet);
    else this.#events.push({ type: "data", packet });
  }

  #drop(packet: PacketSlot): void {
    packet.arena.release(packet);
    this.#dropped++;
  }

  #handleAlert(record: OpenedRecord, now: Millis): void {
    const level = record.bytes[record.start];
    const code = record.bytes[record.start + 1];
    if (record.end - record.start !== 2 || level === undefined || code === undefined) {
      this.#malformed++;
      return;
    }
    const alert = alertName(code);
    const reason: DtlsCloseReason = {
      type: "failed",
      code: "ERR_DTLS_PEER_ALERT",
      by: "remote",
      alert,
      message: `the peer ended DTLS with the alert ${alert}`,
    };
    if (record.epoch === 0) {
      this.#unprotected++;
      // RFC 9147 §4.5.2: anybody could have sent it. If the peer did, the handshake will not move on.
      const isFarewell = code === Alert.close_notify || code === Alert.user_canceled;
      if (this.#result === undefined && !isFarewell) this.#setDoom(reason, now);
      return;
    }
    if (code === Alert.close_notify) this.#end({ type: "remote" });
    else if (code !== Alert.user_canceled && code !== Alert.no_renegotiation) this.#fail(reason, false);
  }

  #handleHandshake(record: OpenedRecord, now: Millis): void {
    let isNews = false;
    let isRepetition = false;
    let offset = record.start;
    while (offset < record.end) {
      const fragment = decodeFragment(record.bytes, offset, record.end);
      if (fragment === undefined) {
        this.#malformed++;
        break;
      }
      offset += HANDSHAKE_HEADER_BYTES + fragment.data.length;
      if (this.#isHello(fragment.type, record.epoch)) {
        if (this.#isFinal) isRepetition = true;
        else this.#hellos.add(fragment, record.epoch);
        continue;
      }
      if (record.epoch === 0 && this.#result !== undefined) {
        this.#unprotected++;
        continue;
      }
      if (fragment.sequence < this.#messages.next) isRepetition = true;
      else if (this.#messages.add(fragment, record.epoch) !== "refused") isNews = true;
    }
    const { epoch, sequence } = record;
    if (isNews || (isRepetition && epoch > 0)) this.#channel.noteReceived(epoch, sequence, now);
    this.#takeHellos(sequence, now);
    this.#takeMessages(now);
    if (isRepetition && !isNews) this.#handleRepetition(epoch, now);
  }

  /** A hello is a hello in the clear, in the direction it belongs. */
  #isHello(type: number, epoch: number): boolean {
    if (epoch > 0) return false;
    return this.role === "server"
      ? type === HandshakeType.clientHello
      : type === HandshakeType.serverHello || type === HandshakeType.helloVerifyRequest;
  }

  /** Whether no other hello can take the place of the one that was answered. */
  get #isFinal(): boolean {
    return this.#isBound || this.#handshake?.isBound === true;
  }

  #takeHellos(recordSequence: number, now: Millis): void {
    for (let hello = this.#hellos.takeAny(); hello !== undefined; hello = this.#hellos.takeAny()) {
      const before = this.#handshake;
      try {
        this.#client?.handleHello(hello, now);
        this.#server?.handleHello(hello, recordSequence, now);
      } catch (error) {
        // A bad answer to what is answered already says nothing about the good one.
        if (before === undefined) this.#refuse(error, 0, now);
        else this.#countRefusal(error);
        continue;
      }
      if (this.#handshake !== before) {
        this.#messages.reset(hello.sequence + 1);
        this.#moveOn();
      }
    }
  }

  #takeMessages(now: Millis): void {
    if (this.#handshake === undefined) return;
    for (let message = this.#messages.take(); message !== undefined; message = this.#messages.take()) {
      const wasComplete = this.#result !== undefined;
      try {
        this.#handleMessage(message, now);
      } catch (error) {
        this.#refuse(error, message.epoch, now);
        if (this.state === "closed") return;
        continue;
      }
      this.#messages.accept();
      this.#moveOn();
      // What is held beyond the end of the handshake came in the clear, or will come again.
      if (this.#result !== undefined && !wasComplete) this.#messages.reset(this.#messages.next);
    }
  }

  #handleMessage(message: HandshakeMessage, now: Millis): void {
    if (this.#result !== undefined) {
      this.#handleLateMessage(message, now);
      return;
    }
    const handshake = this.#handshake;
    handshake?.handleMessage(message, now);
    if (handshake?.result !== undefined) this.#complete(handshake.result, now);
  }

  /** After the handshake: KeyUpdate, tickets. */
  #handleLateMessage(message: HandshakeMessage, now: Millis): void {
    const keys = this.#result?.keys;
    // RFC 5246 §7.4.1.1: a HelloRequest, and a hello to renegotiate, may be ignored; nothing else comes in 1.2.
    if (keys === undefined) return;
    if (message.epoch <= 2) throw unexpectedMessage(message, "no more handshake messages");
    const isTicket = message.type === HandshakeType.newSessionTicket && this.role === "client";
    if (message.type === HandshakeType.keyUpdate) keys.handleKeyUpdate(message.body);
    else if (!isTicket) throw unexpectedMessage(message, "KeyUpdate");
    // RFC 9147 §7: what has no answer is acknowledged.
    this.#channel.sendAck();
    this.#channel.forgetReceived();
    keys.answerRequest(now);
  }

  /** The peer sends again what we have: it has not heard from us. */
  #handleRepetition(epoch: number, now: Millis): void {
    if (epoch === 0 && this.#result !== undefined) return;
    if (this.#channel.usesAcks && this.#result !== undefined) {
      // RFC 9147 §5.8.1: the acknowledgement of the last flight was lost.
      this.#channel.sendAck();
      this.#channel.forgetReceived();
    }
    this.#channel.repeatFlight(now);
  }

  #complete(result: HandshakeResult, now: Millis): void {
    this.#result = result;
    this.#doom = undefined;
    this.#timers.stop("grace");
    this.#timers.set("epoch", now + OLD_EPOCH_MS);
    this.#state = "verifying";
    if (this.role === "server" && this.#channel.usesAcks) {
      // RFC 9147 §5.8.1: the client's last flight has no answer.
      this.#channel.sendAck();
      this.#channel.forgetReceived();
    }
    const needsProof = this.role === "client" || this.#policy.requestClientCertificate;
    if (!needsProof) this.#peer.accept();
    if (!this.#peer.isAccepted) this.#events.push({ type: "certificate", chain: this.#peer.chain });
  }

  /** Connected, when the handshake is complete and the peer is the right one. */
  #confirm(): void {
    const result = this.#result;
    if (this.#state !== "verifying" || result === undefined || !this.#peer.isAccepted) return;
    this.#state = "connected";
    if (!this.#channel.isWaiting) this.#timers.stop("handshake");
    this.#log.info("DTLS is connected", { version: result.version, cipherSuite: result.suite.name });
    this.#events.push({
      type: "connected",
      version: result.version,
      cipherSuite: result.suite.name,
      group: result.group,
      srtpProfile: result.srtpProfile,
      remoteCertificates: this.#peer.chain,
    });
    for (const packet of this.#held) this.#events.push({ type: "data", packet });
    this.#held = [];
  }

  /** The handshake made a step that only the peer can have made, or so it seems. */
  #moveOn(): void {
    this.#doom = undefined;
    this.#timers.stop("grace");
  }

  /** A handshake message was not acceptable. In the clear it may have been anybody's. */
  #refuse(error: unknown, epoch: number, now: Millis): void {
    if (epoch > 0) {
      this.#failWith(error);
      return;
    }
    const failure = this.#countRefusal(error);
    if (this.#result === undefined) this.#setDoom(failure, now);
  }

  #countRefusal(error: unknown): DtlsCloseReason {
    const failure = reasonOf(error);
    this.#refused++;
    this.#log.debug("a DTLS handshake message was refused", { code: failure.code });
    return failure;
  }

  /** What it was may be true: it ends the handshake if that does not move on. */
  #setDoom(reason: DtlsCloseReason, now: Millis): void {
    this.#doom ??= reason;
    if (this.#timers.deadline("grace") !== Number.POSITIVE_INFINITY) return;
    this.#timers.set("grace", now + this.#policy.unauthenticatedGraceMs);
  }

  #failWith(error: unknown): void {
    this.#fail(reasonOf(error));
  }

  #fail(reason: DtlsCloseReason, tellsPeer = true): void {
    if (this.#state === "closed") return;
    if (reason.type === "failed" && reason.by === "local" && tellsPeer && isAlert(reason.alert)) {
      this.#channel.sendAlert(reason.alert);
    }
    if (reason.type === "failed") {
      this.#log.error("DTLS failed", { code: reason.code, alert: reason.alert, by: reason.by });
    }
    this.#end(reason);
  }

  #end(reason: DtlsCloseReason): void {
    this.#state = "closed";
    this.#timers.stopAll();
    this.#channel.stop();
    this.#records.reset();
    this.#records.settle();
    this.#hellos.reset(0);
    this.#messages.reset(0);
    for (const packet of this.#held) packet.arena.release(packet);
    this.#held = [];
    this.#events.push({ type: "closed", reason });
  }

  #checkConnected(): void {
    if (this.#state === "connected") return;
    throw new InvalidStateError(`data is sent once DTLS is connected; it is ${this.#state}`);
  }

  /** RFC 8446 §5.5: keys wear out. */
  #checkLimits(now: Millis): void {
    const { sequence } = this.#channel.sealer;
    const result = this.#result;
    if (result?.keys !== undefined && sequence >= result.suite.recordLimit) result.keys.update(now, false);
    if (sequence >= MAX_SEQUENCE) {
      const text = "sequence numbers are used up";
      this.#failWith(new DtlsError("ERR_DTLS_LIMIT", "internal_error", text, "RFC 9147 §4.2.1"));
    }
  }
}

/** A datagram of the MTU, and what outer layers prepend, have to fit a slot. */
function checkSlotSize(arena: PacketArena, { mtu, headroomBytes }: DtlsPolicy): void {
  const slot = arena.acquire();
  // An arena in which everything is in use has served others: its slots are of a sensible size.
  if (slot === undefined) return;
  const size = slot.bytes.length;
  arena.release(slot);
  if (size < mtu + headroomBytes) {
    throw new RangeError(
      `slots of ${size} bytes hold no datagram of ${mtu} bytes behind ${headroomBytes}: lower mtu, or give another arena`,
    );
  }
}

function contentOf({ bytes, start, end }: OpenedRecord): Uint8Array {
  return bytes.subarray(start, end);
}

/** What is thrown by our own decoders is a {@link DtlsError}; anything else is a bug, and surfaces. */
function reasonOf(error: unknown): DtlsCloseReason & { readonly type: "failed" } {
  if (!(error instanceof DtlsError)) throw error;
  return { type: "failed", code: error.code, by: "local", alert: error.alert, message: error.message };
}

function timeout(policy: DtlsPolicy): DtlsCloseReason {
  return {
    type: "failed",
    code: "ERR_DTLS_TIMEOUT",
    by: "local",
    alert: "internal_error",
    message: `the DTLS handshake was not complete within ${policy.handshakeTimeoutMs} ms`,
  };
}

function isAlert(name: string): name is keyof typeof Alert {
  return Object.hasOwn(Alert, name);
}
