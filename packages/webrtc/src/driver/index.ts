/**
 * Runs cores on a platform.
 *
 * @module
 */
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
