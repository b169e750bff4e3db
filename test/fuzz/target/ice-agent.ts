import { TransportAddress } from "@naru/webrtc/bytes";
import { IceAgent, type LocalCandidate, MAX_CANDIDATES, MAX_PAIRS } from "@naru/webrtc/ice";
import { nodeCrypto } from "@naru/webrtc/node";
import { StunMessageBuilder, safeDecodeStunMessage, shortTermKey, USERNAME } from "@naru/webrtc/stun";
import { datagrams, fuzzEnvironment } from "../environment.ts";

const LOCAL = { usernameFragment: "localfrag", password: "localpasswordlocalpassword" };
const REMOTE = { usernameFragment: "remotefrag", password: "remotepasswordremotepassword" };
const LOCAL_KEY = nodeCrypto.createHmac("sha-1", shortTermKey(LOCAL.password));
const REMOTE_KEY = nodeCrypto.createHmac("sha-1", shortTermKey(REMOTE.password));

/** Each of them costs a few HMACs: more in one input finds nothing that more inputs do not. */
const MAX_DATAGRAMS = 12;

const HOST = address("192.0.2.1:1000");
const PEERS = [address("192.0.2.2:2000"), address("192.0.2.3:3000"), address("[2001:db8::1]:4000")];
const CANDIDATE: LocalCandidate = {
  type: "host",
  protocol: "udp",
  tcpType: undefined,
  address: HOST,
  base: HOST,
  priority: 2_130_706_431,
  foundation: "1",
  route: 1,
  relatedAddress: undefined,
  hostname: undefined,
  isExposed: true,
  relayProtocol: undefined,
  url: undefined,
  localPreference: 65_535,
};

/**
 * An agent in the middle of a call. The first byte of each datagram says what is done with the rest: taken as it is, or as
 * what the peer itself would send (its credentials, and the transaction of a check of ours), so that what lies behind
 * authentication is reached.
 */
export function target(bytes: Uint8Array): void {
  const role = (bytes[0] ?? 0) % 2 === 0 ? "controlling" : "controlled";
  const agent = new IceAgent(fuzzEnvironment(), {
    role,
    parameters: LOCAL,
    isLite: (bytes[1] ?? 0) % 8 === 7,
  });
  let now = 0;
  let sent: Uint8Array | undefined;
  agent.addLocalCandidate(CANDIDATE, now);
  const drain = (): void => {
    for (let out = agent.pollTransmit(); out !== undefined; out = agent.pollTransmit()) {
      if (typeof safeDecodeStunMessage(out.bytes) === "string") throw new Error("what is sent is no STUN");
      if (out.socket !== 1) throw new Error("sent by a route that there is not");
      sent = out.bytes[0] === 0 ? out.bytes : sent;
    }
    while (agent.pollEvent() !== undefined);
  };
  for (const [index, datagram] of datagrams(bytes).slice(0, MAX_DATAGRAMS).entries()) {
    const how = datagram[0] ?? 0;
    if (index === 2) agent.setRemoteParameters({ ...REMOTE, supportsRenomination: true }, now);
    if (how % 16 === 15) agent.restart(now, LOCAL);
    if (how % 16 === 14) agent.removeRoute(1, now);
    if (how % 16 === 13) agent.addLocalCandidate(CANDIDATE, now);
    const content = datagram.subarray(1);
    const input = how % 4 === 0 ? content : authentic(content, how % 4 === 1 ? sent : undefined);
    agent.handleInput({ bytes: input, from: PEERS[how % PEERS.length] ?? HOST, socket: 1 }, now);
    drain();
    now += how * 10;
    if (agent.pollTimeout() <= now) agent.handleTimeout(now);
    drain();
  }
  if (agent.pairs().length > 2 * MAX_PAIRS || agent.remoteCandidates.length > MAX_CANDIDATES) {
    throw new Error("more pairs or candidates than there may be");
  }
  // Some turns of its timers: each of them has to bring time forward.
  for (let turns = 0; turns < 10 && agent.pollTimeout() < 1e9; turns++) {
    now = Math.max(now, agent.pollTimeout());
    agent.handleTimeout(now);
    drain();
    if (agent.pollTimeout() <= now) throw new Error("it wants to be woken at once, again and again");
  }
  agent.close();
  drain();
  if (agent.pollTimeout() !== Number.POSITIVE_INFINITY) throw new Error("a closed agent wants to be woken");
}

/** The attributes in `content` under right credentials: as an answer to `question`, or as a request. */
function authentic(content: Uint8Array, question: Uint8Array | undefined): Uint8Array {
  const message = safeDecodeStunMessage(content);
  const id = question?.subarray(8, 20) ?? new Uint8Array(12).fill(content[0] ?? 0);
  const builder = new StunMessageBuilder();
  if (question !== undefined) {
    builder.start((content[0] ?? 0) % 4 === 3 ? "error" : "success", 1, id);
  } else
    builder.start("request", 1, id).add(USERNAME, `${LOCAL.usernameFragment}:${REMOTE.usernameFragment}`);
  // What was decoded comes again as it was, but for what proves who sent it.
  if (typeof message !== "string") {
    for (const type of message.attributeTypes) {
      if (type === 0x0006 || type === 0x0008 || type === 0x001c || type === 0x8028) continue;
      const value = raw(type);
      const data = message.get(value);
      if (data !== undefined) builder.add(value, data);
    }
  }
  return builder
    .addIntegrity(question === undefined ? LOCAL_KEY : REMOTE_KEY)
    .addFingerprint()
    .finish()
    .slice();
}

/** Any attribute, as its bytes. */
function raw(type: number): {
  type: number;
  name: string;
  size: (value: Uint8Array) => number;
  encode: (value: Uint8Array, target: Uint8Array, offset: number) => void;
  decode: (bytes: Uint8Array, offset: number, length: number) => Uint8Array;
} {
  return {
    type,
    name: "raw",
    size: (value) => value.length,
    encode: (value, target, offset) => target.set(value, offset),
    decode: (bytes, offset, length) => bytes.slice(offset, offset + length),
  };
}

function address(text: string): TransportAddress {
  const parsed = TransportAddress.parse(text);
  if (parsed === undefined) throw new Error(`${text} is no address`);
  return parsed;
}
