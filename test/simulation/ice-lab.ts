import { createTurnServer } from "@naru/turn";
import { IceDriver, type IceDriverEvent } from "@naru/webrtc/driver";
import {
  type IceAgentOptions,
  type IceCandidatePair,
  type IceGathererOptions,
  type IceServerOptions,
  writeLocalCandidate,
} from "@naru/webrtc/ice";
import {
  FIREWALL_PRESETS,
  type LinkOptions,
  NAT_PRESETS,
  type VirtualHost,
  type VirtualNetwork,
  type VirtualRouter,
} from "@naru/webrtc/testing";

/** Where a peer is: what is between it and the internet. */
export type Place =
  | "open"
  | "full"
  | "addr"
  | "port"
  | "sym"
  | "cgn"
  | "v6"
  | "udpblock"
  | "tcp443"
  | "blackhole";

const CREDENTIALS = { username: "alice", credential: "correct horse" };
const SERVER_NAME = "turn.example";
const CERTIFICATE = "-----BEGIN CERTIFICATE-----\nturn.example\n-----END CERTIFICATE-----";

/** What candidates and parameters take from one side to the other. */
const SIGNALING_MS = 20;

/** STUN and TURN over everything that our server speaks. */
export const SERVERS: readonly IceServerOptions[] = [
  { urls: [`stun:${SERVER_NAME}:3478`] },
  {
    urls: [
      `turn:${SERVER_NAME}:3478`,
      `turn:${SERVER_NAME}:3478?transport=tcp`,
      `turns:${SERVER_NAME}:443?transport=tcp`,
    ],
    ...CREDENTIALS,
  },
];

/** Our TURN server, on the internet. */
export async function startTurn(network: VirtualNetwork): Promise<VirtualHost> {
  const host = network.host("turn", { addresses: ["203.0.113.201", "2001:db8::201"] });
  network.trustCertificate(CERTIFICATE, SERVER_NAME);
  network.addName(SERVER_NAME, "203.0.113.201", "2001:db8::201");
  const address = host.address(4).toString();
  const tls = { certificate: CERTIFICATE, privateKey: "-" };
  await network.complete(
    createTurnServer({
      platform: host,
      users: { [CREDENTIALS.username]: CREDENTIALS.credential },
      listen: [
        { transport: "udp", address, port: 3478 },
        { transport: "tcp", address, port: 3478 },
        { transport: "tls", address, port: 443, tls },
      ],
      // The simulated internet has the addresses of documentation, which are special.
      peers: { allow: ["203.0.113.0/24", "198.51.100.0/24", "2001:db8::/32"] },
      onError: (error) => {
        throw error;
      },
    }),
  );
  return host;
}

/** A host at a place. */
export function hostAt(
  network: VirtualNetwork,
  name: string,
  place: Place,
  link: LinkOptions = { delayMs: 5 },
): VirtualHost {
  const home = `${name}-home`;
  switch (place) {
    case "open":
      return network.host(name, { link });
    case "v6":
      return network.host(name, {
        inside: network.nat(home, NAT_PRESETS.portRestricted),
        addresses: ["192.168.1.7", `2001:db8:${name.length}::7`],
        link,
      });
    case "full":
      return network.host(name, { inside: network.nat(home, NAT_PRESETS.fullCone), link });
    case "addr":
      return network.host(name, { inside: network.nat(home, NAT_PRESETS.addressRestricted), link });
    case "port":
      return network.host(name, { inside: network.nat(home, NAT_PRESETS.portRestricted), link });
    case "sym":
      return network.host(name, { inside: network.nat(home, NAT_PRESETS.symmetric), link });
    case "cgn": {
      const carrier = network.nat(`${name}-carrier`, { ...NAT_PRESETS.portRestricted, subnet: "100.64.0" });
      return network.host(name, {
        inside: network.nat(home, { ...NAT_PRESETS.portRestricted, inside: carrier }),
        link,
      });
    }
    case "udpblock":
      return network.host(name, { inside: walled(network, home, FIREWALL_PRESETS.blockUdp), link });
    case "tcp443":
      return network.host(name, { inside: walled(network, home, FIREWALL_PRESETS.webOnly), link });
    case "blackhole":
      return network.host(name, { inside: walled(network, home, FIREWALL_PRESETS.blockAll), link });
    default:
      return place satisfies never;
  }
}

function walled(
  network: VirtualNetwork,
  name: string,
  firewall: (typeof FIREWALL_PRESETS)["blockUdp"],
): VirtualRouter {
  return network.router(name, { nat: NAT_PRESETS.portRestricted, firewall });
}

/** One end: an ICE driver, what it told, and when. */
export class IcePeer {
  readonly driver: IceDriver;
  readonly host: VirtualHost;
  readonly events: { readonly atMs: number; readonly event: IceDriverEvent }[] = [];
  /** Numbers that came as data. */
  readonly received: number[] = [];
  #other: IcePeer | undefined;
  readonly #network: VirtualNetwork;

  constructor(
    network: VirtualNetwork,
    host: VirtualHost,
    agent: IceAgentOptions,
    gatherer: IceGathererOptions = { servers: SERVERS },
  ) {
    this.#network = network;
    this.host = host;
    this.driver = new IceDriver(
      host,
      { agent, gatherer },
      {
        handleEvent: (event) => this.#handle(event),
        handleData: (bytes) =>
          void this.received.push(new DataView(bytes.buffer, bytes.byteOffset).getUint32(1)),
        handleError: (error) => {
          throw error;
        },
      },
    );
  }

  /** Tells the other side everything from now on. */
  signalTo(other: IcePeer): void {
    this.#other = other;
    this.tellParameters();
    this.driver.gather();
  }

  tellParameters(): void {
    const parameters = { ...this.driver.agent.localParameters, supportsRenomination: true };
    this.#later((other) => other.driver.setRemoteParameters(parameters));
  }

  /** Sends one numbered packet, which begins like DTLS. */
  send(number: number): boolean {
    const bytes = new Uint8Array(5);
    bytes[0] = 22;
    new DataView(bytes.buffer).setUint32(1, number);
    return this.driver.send(bytes);
  }

  get pair(): IceCandidatePair | undefined {
    return this.driver.agent.selectedPair;
  }

  get state(): IceDriver["agent"]["state"] {
    return this.driver.agent.state;
  }

  /** Every state it was in. */
  get states(): string[] {
    return this.events.flatMap(({ event }) => (event.type === "stateChange" ? [event.state] : []));
  }

  /** The path in a word, as the NAT lab calls it. */
  get path(): string {
    const { pair } = this;
    if (pair === undefined) return "none";
    const { local, remote } = pair;
    if (local.type === "relay") return `relay/${local.relayProtocol}`;
    if (remote.type === "relay") return "relay";
    if (local.protocol === "tcp") return "tcp";
    if (local.type === "host" && remote.type === "host") return local.base.family === 6 ? "host/v6" : "host";
    return "direct";
  }

  #handle(event: IceDriverEvent): void {
    this.events.push({ atMs: this.#network.now(), event });
    if (event.type === "candidate") {
      const attribute = writeLocalCandidate(event.candidate);
      this.#later((other) => void other.driver.addRemoteCandidate(attribute));
    }
    if (event.type === "gatheringStateChange" && event.state === "complete") {
      this.#later((other) => other.driver.endRemoteCandidates());
    }
  }

  #later(run: (other: IcePeer) => void): void {
    const other = this.#other;
    if (other === undefined) return;
    other.host.createTimer(() => run(other)).arm(this.#network.now() + SIGNALING_MS);
  }
}

/** Two peers that have begun to look for a path. */
export interface Call {
  readonly a: IcePeer;
  readonly b: IcePeer;
}

/** Starts a call between two places, with our TURN server beside them. */
export async function startCall(
  network: VirtualNetwork,
  placeA: Place,
  placeB: Place,
  options: {
    link?: LinkOptions;
    gatherer?: IceGathererOptions;
    roles?: readonly ["controlling" | "controlled", "controlling" | "controlled"];
  } = {},
): Promise<Call> {
  const { link, gatherer, roles = ["controlling", "controlled"] } = options;
  await startTurn(network);
  const a = new IcePeer(network, hostAt(network, "alice", placeA, link), { role: roles[0] }, gatherer);
  const b = new IcePeer(network, hostAt(network, "bob", placeB, link), { role: roles[1] }, gatherer);
  connect(a, b);
  return { a, b };
}

/** Lets two peers look for each other. */
export function connect(a: IcePeer, b: IcePeer): void {
  a.signalTo(b);
  b.signalTo(a);
}

/** Both have a pair to send by. */
export function isConnected({ a, b }: Call): boolean {
  return a.pair !== undefined && b.pair !== undefined;
}

/** Both have agreed on one pair. */
export function isSettled({ a, b }: Call): boolean {
  return a.pair?.isNominated === true && b.pair?.isNominated === true;
}
