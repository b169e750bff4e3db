/**
 * The platform of Node: the only code of the stack that touches sockets, timers and clocks.
 *
 * @module
 */
export { nodeCrypto } from "./crypto.ts";
export { createNodePlatform } from "./platform.ts";
export { adoptSocket } from "./stream.ts";
