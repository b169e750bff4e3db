import type { TransportAddress } from "@naru/webrtc/bytes";
import { IpAddress } from "@naru/webrtc/bytes";
import { UdpDriver } from "@naru/webrtc/driver";
import { PacketArena, type PacketSlot } from "@naru/webrtc/kernel";
import type { Platform } from "@naru/webrtc/platform";
import type { Logger } from "@naru/webrtc/sansio";
import { StunBindingServer, type StunServerCounters } from "@naru/webrtc/stun";

/** Answers in flight per socket: some milliseconds' worth at full speed. */
const ARENA_SLOTS = 256;

/** A STUN answer is far smaller. */
const ARENA_SLOT_BYTES = 512;

/** The STUN binding server on one UDP port, with a socket for each address family. */
export class StunServer {
  readonly #sockets: readonly Socket[];

  private constructor(sockets: readonly Socket[]) {
    this.#sockets = sockets;
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
    const sockets: Socket[] = [];
    try {
      for (const address of await bindAddresses(platform, host)) {
        try {
          sockets.push(await Socket.start(platform, address, port, log));
        } catch (error) {
          // A machine without IPv6 serves IPv4, when no address was asked for.
          const isOptional = host === undefined && address.family === 6 && hasCode(error, NO_SUCH_FAMILY);
          if (!isOptional) throw error;
        }
      }
    } catch (error) {
      for (const socket of sockets) socket.close();
      throw error;
    }
    return new StunServer(sockets);
  }

  /** What it did since it was started. */
  get counters(): StunServerCounters {
    const sum: StunServerCounters = { answered: 0, refused: 0, ignored: 0, limited: 0 };
    for (const { counters } of this.#sockets) {
      sum.answered += counters.answered;
      sum.refused += counters.refused;
      sum.ignored += counters.ignored;
      sum.limited += counters.limited;
    }
    return sum;
  }

  /** Where it listens. */
  get addresses(): readonly TransportAddress[] {
    return this.#sockets.map((socket) => socket.address);
  }

  close(): void {
    for (const socket of this.#sockets) socket.close();
  }
}

const NO_SUCH_FAMILY = ["EAFNOSUPPORT", "EADDRNOTAVAIL", "EINVAL"];

/** One socket with its core. */
class Socket {
  readonly #core: StunBindingServer;
  readonly #driver: UdpDriver<PacketSlot, never>;

  private constructor(core: StunBindingServer, driver: UdpDriver<PacketSlot, never>) {
    this.#core = core;
    this.#driver = driver;
  }

  static async start(platform: Platform, address: IpAddress, port: number, log: Logger): Promise<Socket> {
    const arena = new PacketArena(ARENA_SLOTS, ARENA_SLOT_BYTES);
    const release = (slot: PacketSlot): void => arena.release(slot);
    const { crypto, random } = platform;
    const core = new StunBindingServer({ crypto, random, log }, arena);
    const driver = await UdpDriver.start(platform, { address, port }, core, {
      transmit(udp, slot) {
        if (slot.to === undefined) release(slot);
        else udp.sendSlot(slot, slot.to, release);
      },
      handleError: (error) => log.error("the STUN socket failed", { error: String(error) }),
    });
    return new Socket(core, driver);
  }

  get counters(): StunServerCounters {
    return this.#core.counters;
  }

  get address(): TransportAddress {
    return this.#driver.localAddress;
  }

  close(): void {
    this.#driver.close();
  }
}

async function bindAddresses(platform: Platform, host: string | undefined): Promise<readonly IpAddress[]> {
  if (host !== undefined) return (await platform.resolve(host)).slice(0, 1);
  return ["0.0.0.0", "::"].flatMap((text) => IpAddress.parse(text) ?? []);
}

function hasCode(error: unknown, codes: readonly string[]): boolean {
  return error instanceof Error && "code" in error && codes.some((code) => code === error.code);
}
