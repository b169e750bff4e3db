/**
 * Runs cores on a platform.
 *
 * @module
 */
export { IceDriver, type IceDriverEvent, type IceDriverOptions, type IceDriverOwner } from "./ice-driver.ts";
export { IceRoutes, type IceRoutesOptions, type IceRoutesOwner } from "./ice-routes.ts";
export {
  openTurnConnection,
  type TurnConnection,
  type TurnConnectionHandler,
  type TurnConnectionOptions,
} from "./turn-connection.ts";
export {
  runTurnAllocation,
  TurnDriver,
  type TurnDriverOptions,
  type TurnDriverOwner,
  TurnTcpDriver,
  type TurnTcpDriverOptions,
  type TurnTcpDriverOwner,
} from "./turn-driver.ts";
export type { TurnConnectOptions } from "./turn-runner.ts";
export { UdpDriver, type UdpDriverOwner, type UdpTransmit } from "./udp-driver.ts";
