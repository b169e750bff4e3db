/**
 * The whole of Naru in one process: web application, signaling and STUN on one port.
 *
 * @module
 */
export type { NaruConfig, NaruConfigInput } from "./config/schema.ts";
export { EXIT_CODES, StartError, type StartErrorCode } from "./life/start-error.ts";
export type { ServerUrls } from "./network/server-urls.ts";
export { createNaruServer, type NaruServer, type NaruServerOptions } from "./server.ts";
