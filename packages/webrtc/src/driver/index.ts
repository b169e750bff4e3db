/**
 * Runs cores on a platform.
 *
 * @module
 */
export { UdpDriver, type UdpDriverOwner } from "./udp-driver.ts";
