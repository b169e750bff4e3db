import { IpAddress } from "@naru/webrtc/bytes";
import { UdpDriver } from "@naru/webrtc/driver";
import { PacketArena } from "@naru/webrtc/kernel";
import type { Platform } from "@naru/webrtc/platform";
import type { Logger } from "@naru/webrtc/sansio";
import { StunBindingServer, type StunServerCounters } from "@naru/webrtc/stun";

/** Answers in flight: some milliseconds' worth at full speed. */
const ARENA_SLOTS = 512;

/** A STUN answer is far smaller. */
const ARENA_SLOT_BYTES = 512;

const NO_SUCH_FAMILY = ["EAFNOSUPPORT", "EADDRNOTAVAIL", "EINVAL"];

/** The STUN binding server on one UDP port, with a socket for each address family. */
export class StunServer {
  readonly #core: StunBindingServer;
  readonly #driver: UdpDriver;

  private constructor(platform: Platform, log: Logger) {
    const { crypto, random } = platform;
    const arena = new PacketArena(ARENA_SLOTS, ARENA_SLOT_BYTES);
    this.#core = new StunBindingServer({ crypto, random, log }, arena);
    this.#driver = new UdpDriver(platform, this.#core, {
      handleError: (error) => log.error("the STUN server has stopped", { error: String(error) }),
    });
  }

  /**
   * Binds the port.
   *
   * @param host - Address to bind; undefined for all addresses of both families.
   * @throws {Error} (rejects) the system's error when the port cannot be had.
   */
  static async start(
    platform: Platform,
    host: string | undefined,
    port: number,
    log: Logger,
  ): Promise<StunServer> {
    const server = new StunServer(platform, log);
    try {
      for (const address of await bindAddresses(platform, host)) await server.#bind(address, port, host);
    } catch (error) {
      server.close();
      throw error;
    }
    return server;
  }

  /** What it did since it was started. */
  get counters(): StunServerCounters {
    return this.#core.counters;
  }

  close(): void {
    this.#driver.close();
  }

  async #bind(address: IpAddress, port: number, host: string | undefined): Promise<void> {
    try {
      await this.#driver.bind({ address, port });
    } catch (error) {
      // A machine without IPv6 serves IPv4, when no address was asked for.
      const isOptional = host === undefined && address.family === 6 && hasCode(error, NO_SUCH_FAMILY);
      if (!isOptional) throw error;
    }
  }
}

async function bindAddresses(platform: Platform, host: string | undefined): Promise<readonly IpAddress[]> {
  if (host !== undefined && host !== "::") return (await platform.resolve(host)).slice(0, 1);
  return ["0.0.0.0", "::"].flatMap((text) => IpAddress.parse(text) ?? []);
}

function hasCode(error: unknown, codes: readonly string[]): boolean {
  return error instanceof Error && "code" in error && codes.some((code) => code === error.code);
}
