import {
  copyBytes,
  type IncomingDatagram,
  type IpAddress,
  type SocketId,
  type TransportAddress,
} from "../bytes/index.ts";
import type { CryptoProvider } from "../crypto/index.ts";
import type { PacketSlot } from "../kernel/index.ts";
import {
  type AskId,
  assert,
  type Core,
  type Environment,
  type Millis,
  Queue,
  TimerTable,
} from "../sansio/index.ts";
import {
  ADDRESS_ERROR_CODE,
  DATA,
  ICMP,
  RESERVATION_TOKEN,
  type StunClientEvent,
  StunMessage,
  StunMessageBuilder,
  StunMethod,
  safeDecodeStunMessage,
  TRANSACTION_ID_BYTES,
  XOR_MAPPED_ADDRESS,
  XOR_PEER_ADDRESS,
  XOR_RELAYED_ADDRESS,
} from "../stun/index.ts";
import type { RelayedData, TurnAllocationCounters, TurnAllocationEvent } from "./allocation-events.ts";
import {
  AllocationLifecycle,
  type LifecycleEvent,
  type TurnAllocationState,
} from "./allocation-lifecycle.ts";
import { CHANNEL_DATA_HEADER_BYTES, channelDataEnd, channelNumberOf, isChannelData } from "./channel-data.ts";
import {
  allocateAttributes,
  checkAllocationOptions,
  DEFAULT_KEEP_ALIVE_MS,
  DEFAULT_PACKETS_BEFORE_CHANNEL,
  type TurnAllocationOptions,
  type TurnTransmit,
} from "./client-options.ts";
import {
  type ClientPermission,
  ClientPermissions,
  createPermissionRequest,
  isActive,
  isAttended,
  MAX_WAITING,
} from "./client-permissions.ts";
import { MAX_RELAYED_BYTES, RelayWrapper } from "./relay-message.ts";
import { channelBindRequest, type RelayPeer, RelayPeers } from "./relay-peers.ts";

/** More than a turn brings. */
const MAX_EVENTS = 1024;
const MAX_TRANSMITS = 2048;

/** Of the events, so many may be data and reports, which an owner that does not drain loses. */
const MAX_DATA_EVENTS = 512;

/**
 * A client's allocation on a TURN server (RFC 8656), from the first Allocate request to the release: a relayed address that
 * peers are reached by and reach us at.
 *
 * An input is one datagram; or, over TCP and TLS, one frame as `StreamDeframer` cuts it, with the server as its source.
 * Transmits are for the socket that they name, to the server; over streams they are whole frames, padded. The core
 * never opens a connection: it asks by `connect` events, the first one after {@link allocate}.
 */
export class TurnAllocation implements Core<IncomingDatagram, TurnTransmit, TurnAllocationEvent> {
  readonly counters: TurnAllocationCounters = {
    ignored: 0,
    unmatched: 0,
    unpermitted: 0,
    droppedOutgoing: 0,
    droppedIncoming: 0,
  };
  readonly #environment: Environment<CryptoProvider>;
  readonly #lifecycle: AllocationLifecycle;
  readonly #permissions: ClientPermissions;
  readonly #peers: RelayPeers;
  readonly #wrapper: RelayWrapper;
  readonly #packetsBeforeChannel: number;
  readonly #keepAliveMs: number;
  readonly #timers = new TimerTable(["keepAlive"]);
  readonly #transmits = new Queue<TurnTransmit>(MAX_TRANSMITS);
  readonly #events = new Queue<TurnAllocationEvent>(MAX_EVENTS);
  readonly #message = new StunMessage();
  #relayedAddresses: readonly TransportAddress[] = [];
  #lastSentAt: Millis = Number.NEGATIVE_INFINITY;
  /** The moment of the turn that is drained by `pollTransmit`, where requests that have come up in it are made. */
  #now: Millis = Number.NEGATIVE_INFINITY;

  /**
   * @throws {TypeError} when two options exclude each other.
   * @throws {RangeError} when an option has a value it cannot have.
   */
  constructor(environment: Environment<CryptoProvider>, options: TurnAllocationOptions) {
    checkAllocationOptions(options);
    const { random } = environment;
    const isStream = options.transport !== "udp";
    this.#environment = environment;
    this.#lifecycle = new AllocationLifecycle(
      environment,
      options,
      (dontFragment) => allocateAttributes(options, dontFragment),
      options.dontFragment ?? false,
    );
    this.#permissions = new ClientPermissions(random);
    this.#peers = new RelayPeers(random);
    this.#wrapper = new RelayWrapper(random, isStream);
    this.#packetsBeforeChannel = options.packetsBeforeChannel ?? DEFAULT_PACKETS_BEFORE_CHANNEL;
    this.#keepAliveMs = isStream ? Number.POSITIVE_INFINITY : (options.keepAliveMs ?? DEFAULT_KEEP_ALIVE_MS);
  }

  /**
   * Asks for a connection, and on it for the allocation.
   *
   * @throws {InvalidStateError} the second time.
   */
  allocate(now: Millis): void {
    this.#now = now;
    this.#lifecycle.start();
    this.#drainLifecycle(now);
  }

  /**
   * Lets peers with these addresses send to us, for as long as the allocation lives or until {@link release}. Addresses
   * of one turn share a request. It may be called before there is an allocation.
   *
   * @returns false when there are more than 64, of which those beyond are left out.
   */
  permit(ips: readonly IpAddress[], now: Millis): boolean {
    this.#now = now;
    let hasRoom = true;
    for (const ip of ips) {
      const permission = this.#permissions.want(ip, now);
      if (permission === undefined) hasRoom = false;
      else permission.isKept = true;
    }
    return hasRoom;
  }

  /** The permission for `ip` is not refreshed any more unless it is used. */
  release(ip: IpAddress): void {
    this.#permissions.release(ip);
  }

  /**
   * Sends a copy of `bytes` to a peer: asks for its permission where that is missing, meanwhile keeping 16 packets; in a
   * Send indication at first, through a channel when enough has been sent.
   *
   * @returns false when it was dropped: no allocation (of that family), refused, or too much is waiting.
   * @throws {RangeError} for more than 65,000 bytes.
   */
  send(address: TransportAddress, bytes: Uint8Array, now: Millis): boolean {
    if (bytes.length > MAX_RELAYED_BYTES) {
      throw new RangeError(
        `a packet to be relayed has at most ${MAX_RELAYED_BYTES} bytes, got ${bytes.length}`,
      );
    }
    const peer = this.#preparePeer(address, now);
    const { server, socket } = this.#lifecycle;
    if (peer === undefined || socket === undefined) {
      this.counters.droppedOutgoing++;
      return false;
    }
    const message =
      peer.boundUntil > now
        ? this.#wrapper.channelData(peer.channel, bytes)
        : this.#wrapper.sendIndication(address, bytes, this.#lifecycle.dontFragment);
    return this.#dispatch(peer.permission, { bytes: message, to: server, socket }, now);
  }

  /**
   * The same on the packet path: wraps the packet in `slot` where it lies and takes the slot over, to be released by whoever
   * polls the transmit, or here when it is dropped. `TURN_HEADROOM_BYTES` in front and `TURN_TAILROOM_BYTES` behind spare
   * it being moved.
   */
  sendSlot(address: TransportAddress, slot: PacketSlot, now: Millis): boolean {
    const peer = this.#preparePeer(address, now);
    const { server, socket, dontFragment } = this.#lifecycle;
    const isWrapped =
      peer !== undefined &&
      socket !== undefined &&
      (peer.boundUntil > now
        ? this.#wrapper.channelDataInPlace(peer.channel, slot)
        : this.#wrapper.sendIndicationInPlace(address, slot, dontFragment));
    if (!isWrapped) {
      this.#drop(slot);
      return false;
    }
    slot.to = server;
    slot.socket = socket;
    return this.#dispatch(peer.permission, slot, now);
  }

  /** Binds a channel to a peer, without waiting for packets; a peer that is unknown or too many is left alone. */
  bindChannel(address: TransportAddress, now: Millis): void {
    const peer = this.#preparePeer(address, now);
    if (peer !== undefined) this.#peers.wantChannel(peer, now);
  }

  /** Releases the allocation. The `closed` event follows when the server has confirmed it, or a few seconds later. */
  close(now: Millis): void {
    this.#now = now;
    this.#lifecycle.close(now);
    this.#drainLifecycle(now);
  }

  /** Answers a `connect` event: the connection is open, and datagrams of it carry `socket`. */
  handleConnected(id: AskId, socket: SocketId, now: Millis): void {
    this.#now = now;
    this.#lifecycle.handleConnected(id, socket, now);
    this.#drainLifecycle(now);
  }

  /**
   * Answers a `connect` event: the connection cannot be opened.
   *
   * @param detail - Why, in words.
   */
  handleConnectFailure(id: AskId, detail: string, now: Millis): void {
    this.#now = now;
    this.#lifecycle.handleConnectFailure(id, detail);
    this.#drainLifecycle(now);
  }

  /**
   * The connection is gone, and the allocation with it.
   *
   * @param detail - Why, in words.
   */
  handleConnectionLost(socket: SocketId, detail: string | undefined, now: Millis): void {
    this.#now = now;
    this.#lifecycle.handleConnectionLost(socket, detail);
    this.#drainLifecycle(now);
  }

  /** Takes an input; data in it comes out as an event, copied. Whoever drains at once uses {@link receive}. */
  handleInput(input: IncomingDatagram, now: Millis): void {
    const data = this.receive(input, now);
    if (data !== undefined) this.#emitData({ type: "data", peer: data.peer, bytes: copyBytes(data.bytes) });
  }

  /**
   * Takes an input, on the packet path.
   *
   * @returns the data in it, lent as long as the input is; undefined when it was something else. Known peers come as the
   *   object that they are known by.
   */
  receive({ bytes, from, socket }: IncomingDatagram, now: Millis): RelayedData | undefined {
    this.#now = now;
    if (socket !== this.#lifecycle.socket || !from.equals(this.#lifecycle.server)) {
      this.counters.ignored++;
      return undefined;
    }
    if (isChannelData(bytes)) return this.#receiveChannelData(bytes, now);
    const message = safeDecodeStunMessage(bytes, this.#message);
    // RFC 8489 §7.3: with a wrong FINGERPRINT it is not STUN, whatever it looks like.
    if (typeof message === "string" || message.checkFingerprint() === "wrong") {
      this.counters.ignored++;
      return undefined;
    }
    if (message.messageClass === "indication") return this.#receiveIndication(message, now);
    if (this.#lifecycle.handleMessage(message, now)) this.#drainLifecycle(now);
    else this.counters.unmatched++;
    return undefined;
  }

  handleTimeout(now: Millis): void {
    this.#now = now;
    this.#lifecycle.handleTimeout(now);
    this.#drainLifecycle(now);
    if (this.#timers.expire(now) !== undefined) this.#keepAlive(now);
  }

  /** Owned messages, and the slots of {@link sendSlot}, which whoever takes them has to release. */
  pollTransmit(): TurnTransmit | undefined {
    this.#makeRequests(this.#now);
    return this.#lifecycle.pollTransmit() ?? this.#transmits.shift();
  }

  pollEvent(): TurnAllocationEvent | undefined {
    return this.#events.shift();
  }

  pollTimeout(): Millis {
    const requests =
      this.#lifecycle.state === "allocated"
        ? Math.min(this.#permissions.next(), this.#peers.next())
        : Number.POSITIVE_INFINITY;
    return Math.min(this.#lifecycle.pollTimeout(), this.#timers.next(), requests);
  }

  get state(): TurnAllocationState {
    return this.#lifecycle.state;
  }

  /** The server in use: the one of the options, or one that it referred to. */
  get server(): TransportAddress {
    return this.#lifecycle.server;
  }

  /** None before `allocated`. */
  get relayedAddresses(): readonly TransportAddress[] {
    return this.#relayedAddresses;
  }

  /** The peer that a packet goes to, with its permission, wanted where it is missing; undefined when it cannot go. */
  #preparePeer(address: TransportAddress, now: Millis): RelayPeer | undefined {
    this.#now = now;
    // RFC 8656 §10.1, §12.1: only families that were allocated.
    if (!this.#canReach(address)) return undefined;
    const known = this.#peers.find(address);
    const permission =
      known !== undefined && isActive(known.permission, now) && isAttended(known.permission)
        ? known.permission
        : this.#permissions.want(address.ip, now);
    if (permission === undefined || permission.refusedUntil > now) return undefined;
    const peer = known ?? this.#peers.add(address, permission, now);
    if (peer === undefined) return undefined;
    peer.permission = permission;
    permission.usedAt = now;
    peer.usedAt = now;
    // A channel where there is no permission yet would only be refused beside it.
    if (isActive(permission, now)) {
      if (peer.sent < this.#packetsBeforeChannel) peer.sent++;
      else this.#peers.wantChannel(peer, now);
    }
    return peer;
  }

  #canReach(peer: TransportAddress): boolean {
    for (const relayed of this.#relayedAddresses) if (relayed.family === peer.family) return true;
    return false;
  }

  #dispatch(permission: ClientPermission, transmit: TurnTransmit, now: Millis): boolean {
    if (isActive(permission, now)) {
      this.#lastSentAt = now;
      if (this.#transmits.push(transmit)) return true;
    } else if (permission.waiting.length < MAX_WAITING) {
      permission.waiting.push(transmit);
      return true;
    }
    this.#drop(transmit);
    return false;
  }

  #drop(transmit: TurnTransmit): void {
    this.counters.droppedOutgoing++;
    if ("arena" in transmit) transmit.arena.release(transmit);
  }

  #receiveChannelData(bytes: Uint8Array, now: Millis): RelayedData | undefined {
    const peer = this.#peers.findByChannel(channelNumberOf(bytes));
    // RFC 8656 §12.6: discarded on a channel that is not bound, and without a permission of ours.
    if (peer === undefined || !isWelcome(peer.permission, now)) {
      this.counters.unpermitted++;
      return undefined;
    }
    peer.usedAt = now;
    peer.permission.usedAt = now;
    return { peer: peer.address, bytes: bytes.subarray(CHANNEL_DATA_HEADER_BYTES, channelDataEnd(bytes)) };
  }

  /** RFC 8656 §11.4. */
  #receiveIndication(message: StunMessage, now: Millis): RelayedData | undefined {
    const address = message.method === StunMethod.data ? message.get(XOR_PEER_ADDRESS) : undefined;
    if (address === undefined) {
      this.counters.ignored++;
      return undefined;
    }
    const peer = this.#peers.find(address);
    const permission = peer?.permission ?? this.#permissions.find(address.ip);
    if (permission === undefined || !isWelcome(permission, now)) {
      this.counters.unpermitted++;
      return undefined;
    }
    permission.usedAt = now;
    const known = peer?.address ?? address;
    const bytes = message.get(DATA);
    if (bytes !== undefined) return { peer: known, bytes };
    const error = message.get(ICMP);
    if (error === undefined) this.counters.ignored++;
    else this.#emitData({ type: "icmpError", peer: known, error });
    return undefined;
  }

  /** Requests for permissions and channels that are due: made when the turn is drained, so that they can be shared. */
  #makeRequests(now: Millis): void {
    if (this.#lifecycle.state !== "allocated") return;
    for (let batch = this.#permissions.nextBatch(now); batch !== undefined; ) {
      const id = this.#lifecycle.request(createPermissionRequest(batch), now);
      if (id === undefined) return;
      this.#permissions.setAsked(id, batch);
      batch = this.#permissions.nextBatch(now);
    }
    for (let peer = this.#peers.nextDue(now); peer !== undefined; peer = this.#peers.nextDue(now)) {
      const id = this.#lifecycle.request(channelBindRequest(peer), now);
      if (id === undefined) return;
      this.#peers.setAsked(id, peer, now);
    }
  }

  #drainLifecycle(now: Millis): void {
    for (let event = this.#lifecycle.pollEvent(); event !== undefined; event = this.#lifecycle.pollEvent()) {
      this.#handleLifecycleEvent(event, now);
    }
  }

  #handleLifecycleEvent(event: LifecycleEvent, now: Millis): void {
    switch (event.type) {
      case "connect":
      case "disconnect":
        this.#emit(event);
        return;
      case "allocated":
        this.#handleAllocated(event.response, now);
        return;
      case "outcome":
        this.#handleOutcome(event.outcome, now);
        return;
      case "closed":
        this.#relayedAddresses = [];
        this.#timers.stopAll();
        for (const transmit of this.#permissions.takeWaiting()) this.#drop(transmit);
        this.#emit(event);
        return;
      default:
        event satisfies never;
    }
  }

  #handleAllocated(response: StunMessage, now: Millis): void {
    const mappedAddress = response.get(XOR_MAPPED_ADDRESS);
    const relayedAddresses = response.getAll(XOR_RELAYED_ADDRESS);
    const families = new Set(relayedAddresses.map(({ family }) => family));
    // RFC 8656 §7.3: addresses that cannot be used mean that the allocation is deleted.
    if (
      mappedAddress === undefined ||
      relayedAddresses.length === 0 ||
      families.size < relayedAddresses.length
    ) {
      this.#lifecycle.reject("no relayed or mapped address", now);
      this.#drainLifecycle(now);
      return;
    }
    this.#relayedAddresses = relayedAddresses;
    this.#lastSentAt = now;
    this.#timers.set("keepAlive", now + this.#keepAliveMs);
    this.#emit({
      type: "allocated",
      relayedAddresses,
      mappedAddress,
      reservationToken: response.get(RESERVATION_TOKEN),
      addressError: response.get(ADDRESS_ERROR_CODE),
    });
  }

  #handleOutcome(outcome: StunClientEvent, now: Millis): void {
    const permissions = this.#permissions.handleOutcome(outcome, now);
    if (permissions === undefined) {
      this.#handleChannelOutcome(outcome, now);
      return;
    }
    for (const permission of permissions.granted) this.#handleGranted(permission, now);
    for (const permission of permissions.failed) this.#dropWaiting(permission);
    const { refused, error } = permissions;
    if (refused === undefined || error === undefined) return;
    this.#dropWaiting(refused);
    this.#emit({ type: "permissionRefused", ip: refused.ip, error });
  }

  #handleGranted(permission: ClientPermission, now: Millis): void {
    const isNew = !permission.isAnnounced;
    permission.isAnnounced = true;
    for (const transmit of permission.waiting.splice(0)) this.#dispatch(permission, transmit, now);
    if (isNew) this.#emit({ type: "permissionGranted", ip: permission.ip });
  }

  #handleChannelOutcome(outcome: StunClientEvent, now: Millis): void {
    const peer = this.#peers.handleOutcome(outcome, now);
    if (peer === undefined) return;
    if (outcome.type === "success") {
      // RFC 8656 §12.3: the permission is installed or refreshed with it.
      this.#permissions.setGranted(peer.permission, now);
      this.#handleGranted(peer.permission, now);
      if (!peer.isAnnounced) this.#emit({ type: "channelBound", peer: peer.address, channel: peer.channel });
      peer.isAnnounced = true;
      return;
    }
    if (outcome.type === "refused") {
      this.#environment.log.warn("TURN channel refused, Send indications are used", {
        code: outcome.error.code,
      });
    }
  }

  #dropWaiting(permission: ClientPermission): void {
    for (const transmit of permission.waiting.splice(0)) this.#drop(transmit);
  }

  /** RFC 8489 §6.1: an indication has no answer and changes nothing; it keeps the NATs on the way open. */
  #keepAlive(now: Millis): void {
    const { socket, server, state } = this.#lifecycle;
    if (state !== "allocated" || socket === undefined) return;
    if (now - this.#lastSentAt >= this.#keepAliveMs) {
      const id = this.#environment.random.fill(new Uint8Array(TRANSACTION_ID_BYTES));
      const message = new StunMessageBuilder().start("indication", StunMethod.binding, id);
      this.#transmits.push({ bytes: message.addFingerprint().finish().slice(), to: server, socket });
      this.#lastSentAt = now;
    }
    this.#timers.set("keepAlive", this.#lastSentAt + this.#keepAliveMs);
  }

  /** What an owner that does not drain may lose. */
  #emitData(event: Extract<TurnAllocationEvent, { type: "data" | "icmpError" }>): void {
    if (this.#events.length >= MAX_DATA_EVENTS || !this.#events.push(event)) this.counters.droppedIncoming++;
  }

  #emit(event: TurnAllocationEvent): void {
    assert(this.#events.push(event), "a TURN allocation has room for the events of a turn");
  }
}

/** Whether data from there is taken: the permission is installed, or wanted and on its way. */
function isWelcome(permission: ClientPermission, now: Millis): boolean {
  return isActive(permission, now) || permission.isAsked;
}
