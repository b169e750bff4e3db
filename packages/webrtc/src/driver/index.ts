/**
 * Runs cores on a platform.
 *
 * @module
 */
export { UdpDriver, type UdpDriverOwner, type UdpTransmit } from "./udp-driver.ts";
