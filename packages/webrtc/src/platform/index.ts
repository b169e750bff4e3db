/**
 * The interface of everything outside the cores.
 *
 * @module
 */
export type {
  MulticastDns,
  NetworkInterface,
  Platform,
  PlatformTimer,
  StreamConnectOptions,
  StreamHandler,
  StreamIo,
  StreamListener,
  StreamListenOptions,
  UdpBindOptions,
  UdpHandler,
  UdpIo,
} from "./platform.ts";
