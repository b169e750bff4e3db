/**
 * The simulated network: a `Platform` in virtual time, deterministic from a seed.
 *
 * @module
 */
export { Attacker, type ObservedDatagram } from "./attacker.ts";
export { describePayload } from "./describe.ts";
export { FIREWALL_PRESETS, Firewall, type FirewallRules } from "./firewall.ts";
export { type HostOptions, VirtualHost } from "./host.ts";
export { HostInterface, type InterfaceOptions } from "./host-interface.ts";
export {
  Ladder,
  type LadderEntry,
  type LadderOutcome,
  type PayloadDescriber,
  type SentPacket,
} from "./ladder.ts";
export {
  type BurstLoss,
  DEFAULT_LINK_CONDITIONS,
  Link,
  type LinkConditions,
  type LinkCounters,
  LinkDirection,
  type LinkDropReason,
  type LinkEnds,
  type LinkOptions,
} from "./link.ts";
export { DEFAULT_NAT_OPTIONS, NAT_PRESETS, Nat, type NatBehavior, type NatOptions } from "./nat.ts";
export type { Packet, TcpSegment, TransportProtocol } from "./packet.ts";
export { Pair, type PairOptions, type PairSide } from "./pair.ts";
export { Realm } from "./realm.ts";
export { type RouterOptions, VirtualRouter } from "./router.ts";
export {
  createScenario,
  type Scenario,
  type ScenarioOptions,
  type ScenarioSetup,
  scenarioSeed,
} from "./scenario.ts";
export { SeededRandom } from "./seeded-random.ts";
export { SystemError, type SystemErrorCode } from "./system-error.ts";
export { type ScheduledEvent, VIRTUAL_EPOCH, VirtualClock, VirtualTimeoutError } from "./virtual-clock.ts";
export { type NatRouterOptions, VirtualNetwork, type VirtualNetworkOptions } from "./virtual-network.ts";
export type { VirtualUdpSocket } from "./virtual-udp.ts";
