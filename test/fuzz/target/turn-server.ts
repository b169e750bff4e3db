import { BehaviorServer, createStaticUsers, PeerPolicy, TurnServer } from "@naru/turn/core";
import { TransportAddress } from "@naru/webrtc/bytes";
import { PacketArena } from "@naru/webrtc/kernel";
import { nodeCrypto } from "@naru/webrtc/node";
import {
  attributeValue,
  CHANNEL_NUMBER,
  DEFAULT_LONG_TERM_VERIFIER_OPTIONS,
  decodeStunMessage,
  ERROR_CODE,
  LongTermSession,
  REQUESTED_TRANSPORT,
  type StunAttributeValue,
  StunMessageBuilder,
  StunMethod,
  XOR_PEER_ADDRESS,
  XOR_RELAYED_ADDRESS,
} from "@naru/webrtc/stun";
import { datagrams, fuzzEnvironment } from "../environment.ts";

const REALM = "naru";
const LISTENER = 1;
const RELAY = address("192.0.2.1:0");
const RELAY_V6 = address("[2600::1]:0");
const CLIENT = address("198.51.100.7:5000");
const STRANGER = address("198.51.100.8:6000");
const PEER = address("8.8.8.8:53");
const METHODS = Object.values(StunMethod);
/** An answer to somebody who has not proved himself. */
const MAX_AMPLIFICATION = 3.6;
const environment = fuzzEnvironment();
const arena = new PacketArena(64);
const policy = new PeerPolicy();
const users = { alice: "secret" };
const session = new LongTermSession(nodeCrypto, { username: "alice", password: "secret" });
const server = new TurnServer(
  environment,
  arena,
  {
    relayAddresses: [RELAY, RELAY_V6].map(({ ip }) => ({ bind: ip, advertise: ip })),
    credentials: createStaticUsers(nodeCrypto, REALM, users),
    policy,
    binding: new BehaviorServer(environment, new PacketArena(16)),
    authentication: { ...DEFAULT_LONG_TERM_VERIFIER_OPTIONS, realm: REALM },
  },
  0,
  0,
);
server.setOwnAddresses([RELAY.ip, RELAY_V6.ip]);

let now = 0;
let nextId = 10;
let transaction = 0;
/** Relay sockets that are open. */
const relays = new Set<number>();
/** Streams to peers and of clients that are open. */
const streams = new Set<number>();

/**
 * A client with an allocation, strangers, peers and streams, all of them hostile; some of what the client says is signed,
 * so that it gets past the door. Nothing is sent to a forbidden peer, no answer is much larger than a stranger's
 * question, no slot is lost, and when the user is revoked nothing is left.
 */
export function target(bytes: Uint8Array): void {
  allocate();
  for (const piece of datagrams(bytes)) {
    act(piece);
    now += 5;
  }
  server.revoke("alice", now);
  server.reinstate("alice");
  drain(undefined, undefined);
  for (const stream of [...streams]) close(stream);
  if (arena.inUse !== 0) throw new Error(`${arena.inUse} slots were not given back`);
  const { allocations, users: left, reservations, streams: open, peerConnections } = server.gauges;
  if (allocations + left + reservations + open + peerConnections + relays.size !== 0) {
    throw new Error(`left behind: ${JSON.stringify(server.gauges)}, ${relays.size} sockets`);
  }
}

function act(piece: Uint8Array): void {
  const [kind = 0, choice = 0] = piece;
  const rest = piece.slice(2);
  switch (kind % 8) {
    case 0:
      datagram(rest, CLIENT, LISTENER);
      return;
    case 1:
      datagram(rest, STRANGER, LISTENER);
      return;
    case 2:
    case 3:
      // Its attributes are the input's, its credentials are right.
      datagram(signed(METHODS[choice % METHODS.length] ?? 1, rest), CLIENT, LISTENER);
      return;
    case 4:
      datagram(
        rest,
        choice % 2 === 0 ? PEER : STRANGER,
        [...relays][choice % Math.max(relays.size, 1)] ?? LISTENER,
      );
      return;
    case 5:
      stream(choice, rest);
      return;
    case 6:
      // Signed, on a stream of its own.
      stream(choice, signed(METHODS[choice % METHODS.length] ?? 1, rest));
      return;
    default:
      now += choice * 1000;
      server.handleTimeout(now);
      drain(undefined, undefined);
  }
}

function datagram(bytes: Uint8Array, from: TransportAddress, socket: number): void {
  const isStranger = from === STRANGER;
  server.handleInput({ bytes, from, socket }, now);
  drain(isStranger ? from : undefined, bytes.length);
}

function stream(choice: number, bytes: Uint8Array): void {
  let id = [...streams][choice % 4];
  if (id === undefined) {
    id = nextId++;
    const from = new TransportAddress(STRANGER.ip, 1 + (choice % 4));
    if (!server.handleStreamOpened(id, from, "tcp", now)) return;
    streams.add(id);
  }
  server.handleStreamData(id, bytes, now);
  drain(undefined, undefined);
  if (choice % 16 === 15) close(id);
}

function close(id: number): void {
  streams.delete(id);
  server.handleStreamClosed(id, now);
  drain(undefined, undefined);
}

/** Takes everything out, checks it, and does what the outside does. */
function drain(stranger: TransportAddress | undefined, asked: number | undefined): Uint8Array | undefined {
  let last: Uint8Array | undefined;
  for (;;) {
    const transmit = server.pollTransmit();
    if (transmit !== undefined) {
      const isSlot = "arena" in transmit;
      const bytes = isSlot ? transmit.bytes.slice(transmit.start, transmit.end) : transmit.bytes;
      const to = transmit.to;
      if (isSlot) transmit.arena.release(transmit);
      if (to === undefined) throw new Error("a packet to nowhere");
      if (relays.has(transmit.socket) && policy.forbids(to.ip)) throw new Error(`a packet to ${to}`);
      if (stranger !== undefined && asked !== undefined && bytes.length > asked * MAX_AMPLIFICATION) {
        throw new Error(`${bytes.length} bytes answer ${asked}`);
      }
      last = bytes;
      continue;
    }
    const event = server.pollEvent();
    if (event === undefined) return last;
    switch (event.type) {
      case "bindRelay": {
        const id = nextId++;
        // Now and then a port is taken.
        if (id % 7 === 0) server.handleRelayFailed(event.id, now);
        else {
          relays.add(id);
          server.handleRelayBound(event.id, id, now);
        }
        break;
      }
      case "closeRelay":
        relays.delete(event.socket);
        break;
      case "connectPeer": {
        if (policy.forbids(event.to.ip)) throw new Error(`a connection to ${event.to}`);
        const id = nextId++;
        if (id % 3 === 0) server.handlePeerFailed(event.id, now);
        else {
          streams.add(id);
          server.handlePeerConnected(event.id, id, now);
        }
        break;
      }
      case "closeStream":
        close(event.stream);
        break;
      case "joinStreams":
        break;
      default:
        event satisfies never;
    }
  }
}

/** Makes the client's allocation, with a permission and a channel. */
function allocate(): void {
  const udp = attributeValue(REQUESTED_TRANSPORT, 17);
  const peer = attributeValue(XOR_PEER_ADDRESS, PEER);
  const response = request(StunMethod.allocate, [udp]);
  if (response?.get(XOR_RELAYED_ADDRESS) === undefined) throw new Error("no allocation");
  request(StunMethod.channelBind, [attributeValue(CHANNEL_NUMBER, 0x4000), peer]);
}

function request(method: number, attributes: readonly StunAttributeValue[]) {
  for (let i = 0; i < 3; i++) {
    const builder = start("request", method).addAll(attributes);
    session.authenticator.authenticate(builder);
    server.handleInput({ bytes: builder.finish().slice(), from: CLIENT, socket: LISTENER }, now);
    const answer = drain(undefined, undefined);
    const response = answer && decodeStunMessage(answer);
    const code = response?.get(ERROR_CODE)?.code;
    if (response === undefined || (code !== 401 && code !== 438)) return response;
    session.handleChallenge(response);
  }
  return undefined;
}

/** A request whose attributes are `bytes` as they are, covered by the client's credentials. */
function signed(method: number, bytes: Uint8Array): Uint8Array {
  const raw = { type: 0, name: "", size: () => 0, encode: () => undefined, decode: () => undefined };
  const builder = start("request", method);
  let offset = 0;
  while (offset + 4 <= bytes.length && offset < 600) {
    const type = ((bytes[offset] ?? 0) << 8) | (bytes[offset + 1] ?? 0);
    const length = Math.min(
      ((bytes[offset + 2] ?? 0) << 8) | (bytes[offset + 3] ?? 0),
      bytes.length - offset - 4,
      600,
    );
    const value = bytes.subarray(offset + 4, offset + 4 + length);
    const isMac = type === 0x0008 || type === 0x001c || type === 0x8028;
    if (!isMac) {
      builder.add(
        { ...raw, type, size: () => length, encode: (_value, to, at) => to.set(value, at) },
        undefined,
      );
    }
    offset += 4 + ((length + 3) & ~3);
  }
  session.authenticator.authenticate(builder);
  return builder.finish().slice();
}

function start(messageClass: "request", method: number): StunMessageBuilder {
  const id = new Uint8Array(12);
  new DataView(id.buffer).setUint32(8, ++transaction);
  return new StunMessageBuilder().start(messageClass, method, id);
}

function address(text: string): TransportAddress {
  const parsed = TransportAddress.parse(text);
  if (parsed === undefined) throw new Error(`"${text}" is no address`);
  return parsed;
}
