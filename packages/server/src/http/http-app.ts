import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { getRequestListener, type HttpBindings, RequestError } from "@hono/node-server";
import { serveStatic } from "@hono/node-server/serve-static";
import type { Logger } from "@naru/webrtc/sansio";
import { Hono, type MiddlewareHandler } from "hono";
import { etag } from "hono/etag";
import type { AddressSet } from "../network/address-range.ts";
import type { CheckDesk } from "../turn/check-desk.ts";
import { cacheControl } from "./app-files.ts";
import { isLocalHost, type RequestSource, requestSource } from "./client-request.ts";
import { preferredLanguage } from "./languages.ts";
import { ONE_MORE_STEP_STYLE_HASH, oneMoreStepPage } from "./one-more-step.ts";
import {
  appContentSecurityPolicy,
  NO_CONTENT_POLICY,
  pageContentSecurityPolicy,
  SECURITY_HEADERS,
} from "./security-headers.ts";

/** What the application must know before it can connect. Answer of `/api/config`. */
export interface ApiConfig {
  readonly version: string;
  /** Version of the signaling protocol. */
  readonly protocol: number;
  /** People need a token to join. */
  readonly tokenRequired: boolean;
  /** UDP port of the STUN server at the host of the page, or undefined when there is none. */
  readonly stunPort: number | undefined;
  readonly limits: { readonly participantsPerRoom: number; readonly messageBytes: number };
  /** Told to this machine itself only: the address under which others reach it, for invitations. */
  readonly networkUrl?: string;
}

/** What the routes need to know of the rest of the server. */
export interface HttpAppOptions {
  /** Folder of the built application; undefined when there is none. */
  readonly appFolder: string | undefined;
  readonly publicUrl: string | undefined;
  readonly trustedProxies: AddressSet;
  readonly log: Logger;
  readonly apiConfig: () => ApiConfig;
  /** Address by which other machines reach this one, for invitations; undefined when there is none. */
  readonly networkUrl: () => string | undefined;
  /** Whether a Host header names this server; what is not for everybody is answered for those only. */
  readonly isOwnHost: (host: string | undefined) => boolean;
  /** False while starting and while draining. */
  readonly isReady: () => boolean;
  /** Certificate of the local authority in DER, and the fingerprint of the one that is served. */
  readonly certificates: () => {
    readonly authority: Uint8Array<ArrayBuffer> | undefined;
    readonly fingerprint: string;
  };
  /** Credentials for people who check their network. */
  readonly checkDesk: CheckDesk;
  readonly metrics: { readonly allow: AddressSet; readonly render: () => Promise<string> } | undefined;
}

interface Env {
  readonly Bindings: HttpBindings;
  readonly Variables: { source: RequestSource };
}

const PLAIN_TEXT = { "Content-Type": "text/plain; charset=utf-8" };

/** A listener for node:http that serves everything but WebSockets. */
export function createHttpListener(
  options: HttpAppOptions,
): (request: IncomingMessage, response: ServerResponse) => void {
  const app = createHttpApp(options);
  const listener = getRequestListener(app.fetch, {
    overrideGlobalObjects: false,
    errorHandler: (error) => {
      // What a client wrote wrong (its Host, its target) is its own mistake, everything else is ours.
      if (error instanceof RequestError) return new Response("Bad request\n", { status: 400 });
      options.log.error("an HTTP request failed", { error: String(error) });
      return new Response("Internal error\n", { status: 500 });
    },
  });
  return (request, response) => {
    listener(request, response).catch((error: unknown) => {
      options.log.error("an HTTP answer failed", { error: String(error) });
      response.destroy();
    });
  };
}

function createHttpApp(options: HttpAppOptions): Hono<Env> {
  const app = new Hono<Env>();
  app.use(async (c, next) => {
    c.set("source", requestSource(c.env.incoming, options.trustedProxies));
    await next();
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) c.res.headers.set(name, value);
    if (!c.res.headers.has("Content-Security-Policy")) {
      c.res.headers.set("Content-Security-Policy", NO_CONTENT_POLICY);
    }
  });
  app.use(async (c, next) => {
    if (c.req.method === "GET" || c.req.method === "HEAD") return next();
    return c.text("Method not allowed\n", 405, { Allow: "GET, HEAD", Connection: "close" });
  });
  addOperatorRoutes(app, options);
  app.use(oneMoreStep(options));
  addApplication(app, options);
  app.notFound((c) => c.text("Not found\n", 404));
  app.onError((error, c) => {
    // The route, not the path: a room's name is the key to it.
    options.log.error("an HTTP request failed", { path: c.req.routePath, error: String(error) });
    return c.text("Internal error\n", 500);
  });
  return app;
}

/** Routes for programs: they answer over plain HTTP too. */
function addOperatorRoutes(app: Hono<Env>, options: HttpAppOptions): void {
  const noStore: MiddlewareHandler<Env> = async (c, next) => {
    await next();
    c.res.headers.set("Cache-Control", "no-store");
  };
  app.use("/healthz", noStore);
  app.get("/healthz", (c) => c.json({ status: "ok" }));
  app.use("/readyz", noStore);
  app.get("/readyz", (c) =>
    options.isReady()
      ? c.json({ status: "ready" })
      : c.json({ status: "not ready" }, 503, { "Retry-After": "5" }),
  );
  app.use("/api/*", noStore);
  app.get("/api/config", (c) => {
    const { address, isHidden } = c.get("source");
    // Only whoever sits at this machine needs to be told how others reach it.
    const isHere = !isHidden && (address === "::1" || address.startsWith("127."));
    return c.json({ ...options.apiConfig(), ...(isHere ? { networkUrl: options.networkUrl() } : {}) });
  });
  app.get("/api/check-credentials", async (c) => {
    const { address, host } = c.get("source");
    if (!options.isOwnHost(host)) return c.json({ problem: "NOT_THIS_HOST" }, 421);
    const answer = await options.checkDesk.answer({
      address,
      host: host?.replace(/:\d+$/, ""),
      fetchSite: c.req.header("sec-fetch-site"),
      token: /^Bearer (.{1,8192})$/.exec(c.req.header("authorization") ?? "")?.[1],
      room: c.req.query("room"),
    });
    if (answer.status === 200) return c.json(answer.body);
    return c.json({ problem: answer.problem }, answer.status);
  });
  app.get("/ca.crt", (c) => {
    const { authority } = options.certificates();
    if (authority === undefined)
      return c.text("This server's certificate is not of its own authority\n", 404);
    // The type by which phones and browsers recognise a certificate to install.
    return c.body(authority, 200, {
      "Content-Type": "application/x-x509-ca-cert",
      "Content-Disposition": 'attachment; filename="naru-ca.crt"',
      "Cache-Control": "no-cache",
    });
  });
  const { metrics } = options;
  if (metrics === undefined) return;
  app.use("/metrics", noStore);
  app.get("/metrics", async (c) => {
    const { address, isHidden, host } = c.get("source");
    if (isHidden || !metrics.allow.has(address) || !options.isOwnHost(host)) {
      return c.text("Metrics are not for this address; see metrics.allow\n", 403);
    }
    return c.body(await metrics.render(), 200, {
      "Content-Type": "text/plain; version=0.0.4; charset=utf-8",
    });
  });
}

/** Answers plain HTTP from other machines, where browsers hide camera and microphone, with the way on. */
function oneMoreStep(options: HttpAppOptions): MiddlewareHandler<Env> {
  let hasWarned = false;
  return async (c, next) => {
    const { address, isHidden, isSecure, host } = c.get("source");
    if (isSecure || (host !== undefined && isLocalHost(host))) return next();
    if (isHidden && !hasWarned && c.req.header("x-forwarded-proto") === "https") {
      hasWarned = true;
      // Everybody who comes through it sees this page for ever, and nobody there can know why.
      options.log.warn("a proxy says that people come by https, but it is not trusted", {
        remedy: `--trusted-proxies ${address}`,
      });
    }
    const origin = options.publicUrl ?? (host === undefined ? undefined : `https://${host}`);
    if (origin === undefined) return c.text("The Host header is missing or not a host\n", 400);
    const { authority, fingerprint } = options.certificates();
    // Not parsed: the host in it is the client's word. Path and query start at the slash behind `https://`.
    const target = c.req.url.slice(c.req.url.indexOf("/", "https://".length));
    const isOurs = options.publicUrl === undefined;
    const page = oneMoreStepPage({
      language: preferredLanguage(c.req.header("accept-language")),
      secureUrl: `${origin.replace(/^http:/, "https:")}${target}`,
      fingerprint: isOurs ? fingerprint : undefined,
      isLocal: isOurs && authority !== undefined,
      userAgent: (c.req.header("user-agent") ?? "").slice(0, 500),
    });
    return c.body(page, 200, {
      "Content-Type": "text/html; charset=utf-8",
      "Content-Security-Policy": pageContentSecurityPolicy(ONE_MORE_STEP_STYLE_HASH),
      "Cache-Control": "no-store",
      Vary: "Accept-Language, User-Agent",
    });
  };
}

function addApplication(app: Hono<Env>, options: HttpAppOptions): void {
  const { appFolder } = options;
  if (appFolder === undefined) {
    app.get("/", (c) => c.text("The web application is not built. Run: npm run build\n", 503, PLAIN_TEXT));
    return;
  }
  app.use(async (c, next) => {
    await next();
    c.res.headers.set("Content-Security-Policy", appContentSecurityPolicy(c.get("source").host));
    if (c.res.ok || c.res.status === 304) c.res.headers.set("Cache-Control", cacheControl(c.req.path));
  });
  const index = serveStatic<Env>({ path: join(appFolder, "index.html"), precompressed: true });
  app.use("/r/:room", etag(), index);
  app.use("/", etag(), index);
  app.use("/check", etag(), index);
  app.use(serveStatic<Env>({ root: appFolder, precompressed: true }));
}
