/**
 * Hosts, routers and NATs made of network namespaces, for tests that need real ones: a public network in a documentation
 * range, sites behind routers with iptables, hosts that processes are started in. All of it lives in the namespace that the
 * tests were started in, so nothing of the machine is touched and nothing is left behind.
 */
import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Every public address is in TEST-NET-3 (RFC 5737) or the documentation prefix (RFC 3849). */
const PUBLIC_PREFIX = "203.0.113";
const PUBLIC_PREFIX_V6 = "2001:db8:77::";

/**
 * How a site is connected. `open`: the host has a public address. `port-restricted`: a NAT that keeps a mapping for all
 * destinations and lets in only what was asked. `symmetric`: another port for every destination. `udp-blocked`: a port-restricted NAT that
 * lets no UDP through. `carrier-grade`: a port-restricted NAT behind another one. `ipv6`: no IPv4 at all.
 */
export type SiteKind = "open" | "ipv6" | NatKind;

/** The sites behind a router that translates. */
export type NatKind = "port-restricted" | "symmetric" | "udp-blocked" | "carrier-grade";

/** A host of the lab. */
export interface LabHost {
  readonly name: string;
  /** Its own address. */
  readonly address: string;
  /** Writes a small program that runs `path` on this host, for whoever starts a program by its path. */
  launcher(path: string): string;
  /** The command line that runs `command` on this host. */
  command(command: readonly string[]): string[];
}

/** What the lab needs of the machine that is not there, and what would help; undefined when it can be made. */
export function missingLab(): string | undefined {
  for (const program of ["ip", "iptables", "ip6tables"]) {
    if (spawnSync(program, ["-V"]).error !== undefined)
      return `${program} not found: apt-get install iproute2 iptables`;
  }
  return undefined;
}

export class NetworkLab {
  readonly #folder: string = mkdtempSync(join(tmpdir(), "naru-lab-"));
  readonly #namespaces: string[] = [];
  readonly #id: string = Math.trunc(Math.random() * 0xffff).toString(16);
  #nextPublic = 10;
  #nextSite = 1;

  constructor() {
    this.#namespace("wan");
    this.#in("wan", "ip link add br0 type bridge", "ip link set br0 up");
  }

  /** A host with public addresses of both families. */
  addPublicHost(name: string): LabHost {
    this.#namespace(name);
    const address = this.#joinPublic(name);
    return this.#host(name, address);
  }

  /** A site of one host. */
  addSite(name: string, kind: SiteKind): LabHost {
    if (kind === "open") return this.addPublicHost(name);
    if (kind === "ipv6") return this.#addIpv6Host(name);
    this.#namespace(name);
    const router = `${name}r`;
    const lan = this.#addRouter(router, kind);
    this.#link(name, router, "lan");
    this.#in(router, `ip address add ${lan}.1/24 dev lan`);
    this.#in(name, `ip address add ${lan}.2/24 dev eth0`, `ip route add default via ${lan}.1`);
    return this.#host(name, `${lan}.2`);
  }

  /**
   * Takes the host of a site behind a NAT to another network, as somebody who leaves the house with the phone: its cable goes to
   * another router, and its old address is gone before it has a new one. Once for each site.
   */
  moveSite(name: string, kind: NatKind): void {
    const router = `${name}m`;
    const lan = this.#addRouter(router, kind);
    this.#in(name, "ip address flush dev eth0 scope global");
    this.#in(`${name}r`, `ip link set lan netns ${this.#full(router)}`);
    this.#in(router, "ip link set lan up", `ip address add ${lan}.1/24 dev lan`);
    this.#in(name, `ip address add ${lan}.2/24 dev eth0`, `ip route add default via ${lan}.1`);
  }

  /** Removes everything. Never throws; what still runs in the lab loses its network. */
  close(): void {
    for (const namespace of this.#namespaces) spawnSync("ip", ["netns", "delete", namespace]);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** A router of that kind, connected to the outside; answers the first three numbers of the network inside. */
  #addRouter(router: string, kind: NatKind): string {
    this.#namespace(router);
    if (kind === "carrier-grade") this.#behindCarrier(router);
    else this.#joinPublic(router);
    this.#makeNat(router, kind === "symmetric");
    if (kind === "udp-blocked") this.#in(router, "iptables -I FORWARD -p udp -j DROP");
    return `10.${this.#nextSite++}.0`;
  }

  #host(name: string, address: string): LabHost {
    const namespace = this.#full(name);
    return {
      name,
      address,
      command: (command) => ["ip", "netns", "exec", namespace, ...command],
      launcher: (path) => {
        const file = join(this.#folder, `run-in-${name}-${path.split("/").at(-1)}`);
        writeFileSync(file, `#!/bin/sh\nexec ip netns exec ${namespace} ${path} "$@"\n`, { mode: 0o755 });
        return file;
      },
    };
  }

  /** Connects `name` to the public network, and answers its IPv4 address there. */
  #joinPublic(name: string): string {
    const number = this.#nextPublic++;
    const address = `${PUBLIC_PREFIX}.${number}`;
    this.#linkToBridge(name, number);
    this.#in(
      name,
      `ip address add ${address}/24 dev eth0`,
      `ip -6 address add ${PUBLIC_PREFIX_V6}${number}/64 dev eth0 nodad`,
    );
    this.#in(name, "ip route add default dev eth0");
    return address;
  }

  #addIpv6Host(name: string): LabHost {
    const number = this.#nextPublic++;
    this.#namespace(name);
    this.#linkToBridge(name, number);
    this.#in(
      name,
      `ip -6 address add ${PUBLIC_PREFIX_V6}${number}/64 dev eth0 nodad`,
      "ip -6 route add default dev eth0",
    );
    return this.#host(name, `${PUBLIC_PREFIX_V6}${number}`);
  }

  /** Puts a router behind the NAT of a carrier, in the shared address space of RFC 6598. */
  #behindCarrier(router: string): void {
    const carrier = `${router}c`;
    const number = this.#nextSite++;
    this.#namespace(carrier);
    this.#joinPublic(carrier);
    this.#link(router, carrier, "lan");
    this.#in(carrier, `ip address add 100.64.${number}.1/24 dev lan`);
    this.#in(
      router,
      `ip address add 100.64.${number}.2/24 dev eth0`,
      `ip route add default via 100.64.${number}.1`,
    );
    this.#makeNat(carrier, false);
  }

  /**
   * Linux translates like RFC 4787's endpoint-independent mapping as long as it can keep the port, and filters by address and port;
   * with a random port per connection every destination sees another one.
   */
  #makeNat(router: string, isSymmetric: boolean): void {
    this.#in(
      router,
      "sysctl -q -w net.ipv4.ip_forward=1",
      `iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE${isSymmetric ? " --random" : ""}`,
      // What comes uninvited must leave no trace: a router that answers it itself would keep its port taken, and the
      // packet that goes out to the same place would get another one.
      "iptables -A INPUT -i eth0 -p icmp -j ACCEPT",
      "iptables -A INPUT -i eth0 -j DROP",
      "iptables -P FORWARD DROP",
      "iptables -A FORWARD -i lan -j ACCEPT",
      "iptables -A FORWARD -i eth0 -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT",
    );
  }

  #linkToBridge(name: string, number: number): void {
    const port = `p${number}`;
    this.#run(
      "ip",
      "link",
      "add",
      "eth0",
      "netns",
      this.#full(name),
      "type",
      "veth",
      "peer",
      "name",
      port,
      "netns",
      this.#full("wan"),
    );
    this.#in("wan", `ip link set ${port} master br0 up`);
    this.#in(name, "ip link set eth0 up");
  }

  /** A cable between `eth0` of a host and an interface of its router. */
  #link(name: string, router: string, port: string): void {
    this.#run(
      "ip",
      "link",
      "add",
      "eth0",
      "netns",
      this.#full(name),
      "type",
      "veth",
      "peer",
      "name",
      port,
      "netns",
      this.#full(router),
    );
    this.#in(router, `ip link set ${port} up`);
    this.#in(name, "ip link set eth0 up");
  }

  #namespace(name: string): void {
    this.#run("ip", "netns", "add", this.#full(name));
    this.#namespaces.push(this.#full(name));
    this.#in(name, "ip link set lo up");
  }

  #full(name: string): string {
    return `naru${this.#id}-${name}`;
  }

  #in(name: string, ...commands: readonly string[]): void {
    for (const command of commands) this.#run("ip", "netns", "exec", this.#full(name), ...command.split(" "));
  }

  #run(program: string, ...args: readonly string[]): void {
    const result: SpawnSyncReturns<string> = spawnSync(program, args, { encoding: "utf8" });
    if (result.status !== 0) {
      throw new Error(`${[program, ...args].join(" ")}: ${result.error?.message ?? result.stderr.trim()}`);
    }
  }
}
