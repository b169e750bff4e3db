/**
 * A page with nothing in it but `@naru/client`, and the signaling server beside it: for what the application has no
 * button for.
 */
import { createServer, type Server } from "node:http";

import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import type { Room, TimelineSnapshot } from "@naru/client";
import {
  type ConnectionReport,
  createSignalingServer,
  type SignalingServer,
  type SnapshotStore,
} from "@naru/signaling";
import type { Page } from "puppeteer-core";
import { build } from "vite";
import type { TestBrowser } from "./browsers.ts";

const CONDITIONS = ["source", "import", "module", "browser", "default"];
const ENTRY = "virtual:client";

/** How the server is made. */
export interface ClientServerOptions {
  /** Where rooms survive a restart. */
  readonly store?: SnapshotStore;
}

/** Serves the page, and signaling that can be taken away and given back. */
export class ClientServer {
  readonly #http: Server;
  readonly #options: ClientServerOptions;
  #signaling: SignalingServer | undefined;
  /** What clients said about their connections. */
  readonly reports: ConnectionReport[] = [];

  private constructor(http: Server, options: ClientServerOptions) {
    this.#http = http;
    this.#options = options;
  }

  /** The caller closes it. */
  static async start(options: ClientServerOptions = {}): Promise<ClientServer> {
    const script = await bundleClient();
    const http = createServer((request, response) => {
      const isScript = request.url === "/client.js";
      response.setHeader("content-type", isScript ? "text/javascript" : "text/html; charset=utf-8");
      response.end(
        isScript
          ? script
          : '<!doctype html><title>client</title><script type="module" src="/client.js"></script>',
      );
    });
    const server = new ClientServer(http, options);
    http.on("upgrade", (request, socket, head) => {
      if (server.#signaling?.handleUpgrade(request, socket, head) !== true) socket.destroy();
    });
    await server.startSignaling();
    await new Promise<void>((resolve) => {
      http.listen(0, "127.0.0.1", resolve);
    });
    return server;
  }

  get url(): string {
    const address: AddressInfo | string | null = this.#http.address();
    if (address === null || typeof address === "string") throw new Error("the server does not listen");
    return `http://127.0.0.1:${address.port}/`;
  }

  async startSignaling(): Promise<void> {
    this.#signaling = await createSignalingServer({
      ...this.#options,
      onReport: (report) => this.reports.push(report),
    });
  }

  /** Ends signaling; pages find nobody until it is started again. */
  async stopSignaling(): Promise<void> {
    const signaling = this.#signaling;
    this.#signaling = undefined;
    await signaling?.close();
  }

  /** Opens the page, with `globalThis.naru` being the client's exports. */
  async open(page: Page): Promise<void> {
    await page.goto(this.url);
    await page.waitForFunction("globalThis.naru !== undefined");
  }

  async close(): Promise<void> {
    await this.stopSignaling();
    this.#http.closeAllConnections();
    await new Promise((resolve) => {
      this.#http.close(resolve);
    });
  }
}

/** The client as one script, minified as an application would ship it. */
export async function bundleClient(): Promise<string> {
  const client = fileURLToPath(new URL("../../packages/client/src/index.ts", import.meta.url));
  const result = await build({
    configFile: false,
    logLevel: "silent",
    resolve: { conditions: CONDITIONS },
    plugins: [
      {
        name: "entry",
        resolveId: (id) => (id === ENTRY ? `\0${ENTRY}` : undefined),
        load: (id) =>
          id === `\0${ENTRY}`
            ? `import * as client from ${JSON.stringify(client)}; globalThis.naru = client;`
            : undefined,
      },
    ],
    build: { write: false, target: "es2022", rollupOptions: { input: ENTRY } },
  });
  const outputs = Array.isArray(result) ? result : [result];
  for (const output of outputs) {
    if (!("output" in output)) continue;
    for (const chunk of output.output) if (chunk.type === "chunk") return chunk.code;
  }
  throw new Error("the bundler gave no script");
}

/** Somebody in a room, seen from inside the page. */
export interface Seen {
  readonly state: string;
  readonly connection: string | undefined;
  readonly timeline: TimelineSnapshot | undefined;
  readonly chat: readonly string[];
  readonly tracks: readonly string[];
  readonly generation: number;
}

/** Opens the page in a browser. Its peer connections are kept in `globalThis.connections`, newest last. */
export async function open(server: ClientServer, browser: TestBrowser | undefined): Promise<Page> {
  if (browser === undefined) throw new Error("the browser is not running");
  const page = await browser.newPage();
  await page.evaluateOnNewDocument(() => {
    const Native = RTCPeerConnection;
    globalThis.RTCPeerConnection = class extends Native {
      constructor(configuration?: RTCConfiguration) {
        super(configuration);
        Reflect.set(globalThis, "connections", [...(Reflect.get(globalThis, "connections") ?? []), this]);
      }
    };
  });
  await server.open(page);
  return page;
}

/** Makes a room in the page, `globalThis.room`, and joins it with camera and microphone. */
export async function join(page: Page, name: string, devices = true): Promise<void> {
  const join = async (name: string, devices: boolean): Promise<void> => {
    const room = new naru.Room();
    Reflect.set(globalThis, "room", room);
    await room.connect({ room: "brave-otter-42", name, microphone: devices, camera: devices });
  };
  await page.evaluate(join, name, devices);
}

/** What the page sees of the first other participant. */
export async function look(page: Page): Promise<Seen> {
  const text = await page.evaluate(() => {
    const [participant] = room.remoteParticipants.values();
    return JSON.stringify({
      state: room.state,
      connection: participant?.connection,
      timeline: participant?.timeline,
      chat: room.messages.map((message) => message.text),
      tracks: participant?.camera?.getTracks().map((track) => track.kind) ?? [],
      generation: Reflect.get(globalThis, "connections")?.length ?? 0,
    });
  });
  return JSON.parse(text);
}

/** Looks until it is so, for 40 s at most. */
export async function until(page: Page, isTrue: (seen: Seen) => boolean): Promise<Seen> {
  let seen = await look(page);
  const deadline = Date.now() + 40_000;
  while (!isTrue(seen)) {
    if (Date.now() > deadline) throw new Error(`it did not come true: ${JSON.stringify(seen, null, 1)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
    seen = await look(page);
  }
  return seen;
}

/** Asks again until nothing throws. */
export async function eventually(check: () => unknown): Promise<void> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    try {
      await check();
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

declare const room: Room;
declare const naru: typeof import("@naru/client");
