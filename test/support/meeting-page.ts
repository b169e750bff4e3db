/**
 * The meeting page in a real browser, used as a person uses it: fields, buttons, panels. What it shows is read from the
 * page; what cannot be seen (packets, samples) is read from the browser's own statistics, not from our code.
 */
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Room } from "@naru/client";
import type { ElementHandle, Page } from "puppeteer-core";
import type { TestBrowser } from "./browsers.ts";
import { eventually } from "./server.ts";

declare global {
  interface Window {
    naru?: { readonly room: Room | undefined };
    /** Every connection the page made; kept by {@link watchConnections}. */
    testConnections?: RTCPeerConnection[];
  }
}

/** Somebody else, as the page sees them. */
export interface RemoteState {
  readonly id: string;
  readonly name: string;
  readonly role: string;
  readonly presence: string;
  readonly state: {
    readonly audio?: boolean;
    readonly video?: boolean;
    readonly screen?: boolean;
    readonly hand?: boolean;
  };
  readonly outcome: string;
  readonly phases: Readonly<Record<"exchange" | "path" | "security" | "media", string>>;
  readonly verdict: string | undefined;
  readonly hasCamera: boolean;
  readonly hasScreen: boolean;
}

/** A file on its way. */
export interface TransferInfo {
  readonly id: string;
  readonly direction: string;
  readonly name: string;
  readonly size: number;
  readonly bytes: number;
  readonly state: string;
  readonly sha256: string | undefined;
  readonly failure: string | undefined;
}

/** What the page knows at one moment. */
export interface MeetingState {
  readonly state: string;
  readonly selfId: string | undefined;
  readonly role: string;
  readonly self: RemoteState["state"];
  readonly locked: boolean | undefined;
  readonly lobby: boolean | undefined;
  readonly remotes: readonly RemoteState[];
  readonly knocking: readonly string[];
  readonly messages: readonly { readonly name: string; readonly text: string }[];
  readonly transfers: readonly TransferInfo[];
}

/** Sums over all connections of a page, from `getStats`. */
export interface MediaTotals {
  readonly framesDecoded: number;
  readonly audioEnergy: number;
  readonly audioPackets: number;
  readonly connected: number;
}

/** The path that a connection took, as the browser's own statistics have it. */
export interface SelectedPath {
  /** Type of the local candidate: `host`, `srflx`, `prflx` or `relay`. */
  readonly local: string;
  readonly remote: string;
  /** How the local relay is reached, when there is one: `udp`, `tcp` or `tls`. */
  readonly relayProtocol: string | undefined;
  /** The local address, where the browser tells it. */
  readonly address: string | undefined;
}

/** How a page is opened. */
export interface MeetingPageOptions {
  /** Query of the address, beside the room. */
  readonly query?: string;
  /** Replaces the configuration of every connection: to forbid what the test wants to fail. */
  readonly connection?: RTCConfiguration;
  /** Leaves each connection only the servers whose URL begins so: `turns:`. */
  readonly onlyServers?: string;
}

export class MeetingPage {
  readonly page: Page;
  readonly name: string;

  private constructor(page: Page, name: string) {
    this.page = page;
    this.name = name;
  }

  /** Opens a room's page and waits for the preview; nobody sees it yet. */
  static async open(
    browser: TestBrowser,
    url: string,
    room: string,
    name: string,
    options: MeetingPageOptions = {},
  ): Promise<MeetingPage> {
    const page = await browser.newPage();
    await page.evaluateOnNewDocument(watchConnections, options.connection ?? {}, options.onlyServers ?? "");
    await page.goto(`${url}/r/${room}${options.query ?? ""}`, { waitUntil: "load", timeout: 30_000 });
    const meeting = new MeetingPage(page, name);
    const field = await meeting.find("name-input");
    await field.click({ count: 3 });
    await field.type(name);
    return meeting;
  }

  /** Opens a room's page, joins, and waits until it is inside. */
  static async join(
    browser: TestBrowser,
    url: string,
    room: string,
    name: string,
    options: MeetingPageOptions = {},
  ): Promise<MeetingPage> {
    const meeting = await MeetingPage.open(browser, url, room, name, options);
    await meeting.until("its camera in the preview", ({ self }) => self.video === true, 20_000);
    await meeting.click("join-button");
    await meeting.until("to be inside", ({ state }) => state === "connected", 20_000);
    return meeting;
  }

  /** What the page knows now. */
  state(): Promise<MeetingState> {
    return this.page.evaluate(readState);
  }

  /** Waits until the state is as wanted; fails with the state it had instead. */
  async until(
    what: string,
    isSo: (state: MeetingState) => boolean,
    timeoutMs = 15_000,
  ): Promise<MeetingState> {
    let last: MeetingState | undefined;
    try {
      return await eventually(
        `${this.name}: ${what}`,
        async () => {
          last = await this.state();
          return isSo(last) && last;
        },
        timeoutMs,
      );
    } catch (error) {
      throw new Error(
        `${error instanceof Error ? error.message : error}\nit was: ${JSON.stringify(last, null, 1)}`,
      );
    }
  }

  /** Waits until this page sees, hears and can write to so many others: all four phases done with each. */
  async untilConnected(others: number, timeoutMs = 30_000): Promise<MeetingState> {
    return this.until(
      `to be connected with ${others}`,
      ({ remotes }) =>
        remotes.length === others &&
        remotes.every(
          ({ outcome, phases, hasCamera }) =>
            outcome === "connected" && hasCamera && Object.values(phases).every((phase) => phase === "done"),
        ),
      timeoutMs,
    );
  }

  /** The element with a test id, once it is there; a picture of the page is kept when it does not come. */
  async find(testId: string, timeoutMs = 20_000): Promise<ElementHandle> {
    const found = await this.page
      .waitForSelector(`[data-testid="${testId}"]`, { timeout: timeoutMs })
      .catch(() => null);
    if (found !== null) return found;
    const path = join(process.cwd(), ".cache/test", `${this.name}-without-${testId}.png`);
    mkdirSync(dirname(path), { recursive: true });
    await this.page.screenshot({ path: `${path.slice(0, -".png".length)}.png` });
    throw new Error(`${this.name}: no ${testId}; see ${path}`);
  }

  async has(testId: string): Promise<boolean> {
    return (await this.page.$(`[data-testid="${testId}"]`)) !== null;
  }

  /** Clicks as a person does, so that it counts as a gesture. */
  async click(testId: string): Promise<void> {
    const element = await this.find(testId);
    await element.click();
  }

  /** Opens a panel if it is closed. */
  async openPanel(panel: "chat" | "files" | "people"): Promise<void> {
    const button = await this.find(`${panel}-button`);
    const expanded = await button.evaluate((element) => element.getAttribute("aria-expanded"));
    if (expanded !== "true") await button.click();
  }

  /** Writes a message in the chat. */
  async say(text: string): Promise<void> {
    await this.openPanel("chat");
    const field = await this.find("chat-input");
    await field.click();
    await field.type(text);
    await this.page.keyboard.press("Enter");
  }

  /** Texts of the chat as they are shown. */
  async shownMessages(): Promise<string[]> {
    await this.openPanel("chat");
    return this.page.$$eval('[data-testid="chat-message"] p', (all) =>
      all.map((one) => one.textContent ?? ""),
    );
  }

  /** Chooses a file in the files panel. */
  async sendFile(path: string): Promise<void> {
    await this.openPanel("files");
    const input = await this.page.waitForSelector('input[data-testid="file-input"]');
    if (input === null) throw new Error(`${this.name}: no file input`);
    await input.uploadFile(path);
  }

  /** SHA-256 of a received file, computed in the browser from the bytes that would be saved. */
  receivedHash(transferId: string): Promise<string> {
    return this.page.evaluate(async (id) => {
      const transfer = window.naru?.room?.transfers.find((one) => one.id === id);
      if (transfer === undefined) throw new Error("no such transfer");
      const digest = await crypto.subtle.digest("SHA-256", await transfer.blob().arrayBuffer());
      return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
    }, transferId);
  }

  /** Whether the picture in an element moves: two looks at it, some time apart, differ. */
  pictureMoves(testId: string): Promise<{ width: number; height: number; changed: number; colours: number }> {
    return this.page.evaluate(async (id) => {
      const video = document.querySelector<HTMLVideoElement>(`[data-testid="${id}"] video`);
      if (video === null) return { width: 0, height: 0, changed: 0, colours: 0 };
      const canvas = document.createElement("canvas");
      canvas.width = 64;
      canvas.height = 48;
      const context = canvas.getContext("2d", { willReadFrequently: true });
      if (context === null) throw new Error("no canvas");
      const look = (): Uint8ClampedArray => {
        context.drawImage(video, 0, 0, 64, 48);
        return context.getImageData(0, 0, 64, 48).data;
      };
      const first = look();
      await new Promise((resolve) => setTimeout(resolve, 700));
      const second = look();
      let changed = 0;
      const colours = new Set<number>();
      for (let i = 0; i < first.length; i += 4) {
        const difference = Math.max(
          ...[0, 1, 2].map((c) => Math.abs((first[i + c] ?? 0) - (second[i + c] ?? 0))),
        );
        if (difference > 24) changed++;
        colours.add(
          ((second[i] ?? 0) >> 4) * 256 + ((second[i + 1] ?? 0) >> 4) * 16 + ((second[i + 2] ?? 0) >> 4),
        );
      }
      return { width: video.videoWidth, height: video.videoHeight, changed, colours: colours.size };
    }, testId);
  }

  /** What the browser counted over all connections that are not closed. */
  totals(): Promise<MediaTotals> {
    return this.page.evaluate(async () => {
      const totals = { framesDecoded: 0, audioEnergy: 0, audioPackets: 0, connected: 0 };
      for (const connection of window.testConnections ?? []) {
        if (connection.connectionState === "closed") continue;
        if (connection.connectionState === "connected") totals.connected++;
        const report = await connection.getStats();
        report.forEach((entry) => {
          if (entry.type !== "inbound-rtp") return;
          if (entry.kind === "video") totals.framesDecoded += entry.framesDecoded ?? 0;
          if (entry.kind === "audio") {
            totals.audioEnergy += entry.totalAudioEnergy ?? 0;
            totals.audioPackets += entry.packetsReceived ?? 0;
          }
        });
      }
      return totals;
    });
  }

  /** Waits until so many pictures were decoded from now on. */
  async untilPictures(count: number, timeoutMs: number): Promise<void> {
    let { framesDecoded: last } = await this.totals();
    let seen = 0;
    await eventually(
      `${this.name}: ${count} pictures`,
      async () => {
        const { framesDecoded } = await this.totals();
        // Firefox counts anew after an offer that was taken back.
        seen += framesDecoded < last ? framesDecoded : framesDecoded - last;
        last = framesDecoded;
        return seen >= count;
      },
      timeoutMs,
    );
  }

  /** Waits until pictures are decoded and sound above silence is heard, both rising. */
  async untilMediaFlows(timeoutMs = 20_000): Promise<void> {
    const before = await this.totals();
    let last = before;
    await eventually(
      `${this.name}: pictures and sound`,
      async () => {
        last = await this.totals();
        return last.framesDecoded > before.framesDecoded + 10 && last.audioEnergy > before.audioEnergy + 1e-4;
      },
      timeoutMs,
    ).catch((error: unknown) => {
      throw new Error(`${error}; before ${JSON.stringify(before)}, after ${JSON.stringify(last)}`);
    });
  }

  /** The path of the newest connection; undefined until there is one. */
  path(): Promise<SelectedPath | undefined> {
    return this.page.evaluate(readPath);
  }

  /** Leaves by the button. */
  async leave(): Promise<void> {
    await this.click("leave-button");
  }
}

// What follows runs in the page: it may use nothing of this module.

function watchConnections(configuration: RTCConfiguration, onlyServers: string): void {
  const choose = (given: RTCConfiguration): RTCConfiguration => {
    const iceServers = (given.iceServers ?? []).map((server) => ({
      ...server,
      urls: [server.urls].flat().filter((url) => url.startsWith(onlyServers)),
    }));
    return { ...given, iceServers: iceServers.filter(({ urls }) => urls.length > 0), ...configuration };
  };
  const connections: RTCPeerConnection[] = [];
  window.testConnections = connections;
  const Native = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Native {
    constructor(given?: RTCConfiguration) {
      super(choose(given ?? {}));
      connections.push(this);
    }

    override setConfiguration(given: RTCConfiguration = {}): void {
      super.setConfiguration(choose(given));
    }
  };
}

async function readPath(): Promise<SelectedPath | undefined> {
  const connection = window.testConnections?.at(-1);
  if (connection === undefined) return undefined;
  const stats = new Map((await connection.getStats()).entries());
  const entries = [...stats.values()];
  const transport = entries.find((entry) => entry.type === "transport");
  // Firefox has no such field, and marks the pair.
  const pair =
    stats.get(transport?.selectedCandidatePairId) ?? entries.find((entry) => entry.selected === true);
  const local = stats.get(pair?.localCandidateId);
  const remote = stats.get(pair?.remoteCandidateId);
  if (local === undefined || remote === undefined) return undefined;
  return {
    local: local.candidateType,
    remote: remote.candidateType,
    relayProtocol: local.relayProtocol,
    address: local.address,
  };
}

function readState(): MeetingState {
  const room = window.naru?.room;
  const none = { state: "none", selfId: undefined, role: "", self: {}, locked: undefined, lobby: undefined };
  if (room === undefined) return { ...none, remotes: [], knocking: [], messages: [], transfers: [] };
  const local = room.localParticipant;
  return {
    state: room.state,
    selfId: local.id,
    role: local.role,
    self: { ...local.state },
    locked: room.info?.locked,
    lobby: room.info?.lobby,
    remotes: [...room.remoteParticipants.values()].map((remote) => {
      const { exchange, path, security, media, verdict } = remote.timeline;
      return {
        id: remote.id,
        name: remote.name,
        role: remote.role,
        presence: remote.presence,
        state: { ...remote.state },
        outcome: remote.connection,
        phases: { exchange: exchange.state, path: path.state, security: security.state, media: media.state },
        verdict: verdict?.code,
        hasCamera: (remote.camera?.getVideoTracks().length ?? 0) > 0,
        hasScreen: (remote.screen?.getVideoTracks().length ?? 0) > 0,
      };
    }),
    knocking: room.knocking.map(({ id }) => id),
    messages: room.messages.map(({ name, text }) => ({ name, text })),
    transfers: room.transfers.map((transfer) => ({
      id: transfer.id,
      direction: transfer.direction,
      name: transfer.name,
      size: transfer.size,
      bytes: transfer.bytes,
      state: transfer.state,
      sha256: transfer.sha256,
      failure: transfer.failure?.code,
    })),
  };
}
