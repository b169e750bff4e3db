/**
 * Two people in Chromium who meet in a lab: each behind a network of its own kind, the server in the public one.
 */
import { launchBrowser } from "./browsers.ts";
import { MeetingPage, type SelectedPath } from "./meeting-page.ts";
import { NetworkLab, type SiteKind } from "./network-lab.ts";
import { eventually, type ServerOptions, TestServer } from "./server.ts";

/** How they meet. */
export interface LabCallOptions {
  /** Of the server, by name. */
  readonly flags?: ServerOptions["flags"];
  /** Leaves both only the servers whose URL begins so. */
  readonly onlyServers?: string;
}

/** The lab's addresses are documentation ranges, which a relay refuses by default. */
const ALLOWED_PEERS = "203.0.113.0/24,2001:db8:77::/64";

export class LabCall {
  readonly lab: NetworkLab;
  readonly server: TestServer;
  readonly mina: MeetingPage;
  readonly juno: MeetingPage;
  readonly #close: () => Promise<void>;

  private constructor(
    lab: NetworkLab,
    server: TestServer,
    pages: readonly [MeetingPage, MeetingPage],
    close: () => Promise<void>,
  ) {
    this.lab = lab;
    this.server = server;
    [this.mina, this.juno] = pages;
    this.#close = close;
  }

  /** Both are in the room, not yet connected. The caller closes it. */
  static async start(first: SiteKind, second: SiteKind, options: LabCallOptions = {}): Promise<LabCall> {
    const lab = new NetworkLab();
    const open: { close(): unknown }[] = [lab];
    const close = async (): Promise<void> => {
      for (const each of open.splice(0).reverse()) await each.close();
    };
    try {
      const host = first === "ipv6" ? lab.addSite("srv", "ipv6") : lab.addPublicHost("srv");
      const flags = { "turn.allow-peers": ALLOWED_PEERS, ...options.flags };
      const starting = TestServer.start({ host, flags });
      const launching = (["mina", "juno"] as const).map((name, index) =>
        launchBrowser("chromium", {
          host: lab.addSite(name, index === 0 ? first : second),
          args: ["--ignore-certificate-errors"],
        }),
      );
      for (const started of await Promise.allSettled([starting, ...launching])) {
        if (started.status === "rejected") throw started.reason;
        open.push(started.value);
      }
      const [server, browsers] = [await starting, await Promise.all(launching)];
      const join = (index: 0 | 1, name: string): Promise<MeetingPage> => {
        const { onlyServers } = options;
        const limited = onlyServers === undefined ? {} : { onlyServers };
        return MeetingPage.join(browsers[index]!, server.url, "brave-otter-42", name, limited);
      };
      const mina = await join(0, "Mina");
      return new LabCall(lab, server, [mina, await join(1, "Juno")], close);
    } catch (error) {
      await close();
      throw error;
    }
  }

  /** Waits until all phases are done on both sides. */
  async untilConnected(): Promise<void> {
    await Promise.all([this.mina.untilConnected(1), this.juno.untilConnected(1)]);
  }

  /**
   * The path as each side has it. At the beginning a better pair may take over, and one side hears of it first: waits until
   * they speak of the same.
   */
  paths(): Promise<readonly [SelectedPath, SelectedPath]> {
    return eventually("both to name the same pair", async () => {
      const [mina, juno] = await Promise.all([this.mina.path(), this.juno.path()]);
      if (mina === undefined || juno === undefined) return undefined;
      const isRelayed = ({ local, remote }: SelectedPath): readonly boolean[] => [
        local === "relay",
        remote === "relay",
      ];
      const [own, theirs] = [isRelayed(mina), isRelayed(juno).toReversed()];
      return own.every((value, index) => value === theirs[index]) && ([mina, juno] as const);
    });
  }

  /** Ends everything. */
  close(): Promise<void> {
    return this.#close();
  }
}
