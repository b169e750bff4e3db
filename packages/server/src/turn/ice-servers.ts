import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import type { IceServer } from "@naru/signaling/protocol";
import { isLocalHost } from "../http/client-request.ts";
import { parseHostAndPort } from "../network/host-and-port.ts";
import { hostPart } from "../network/server-urls.ts";

/** What is offered on the port. */
export interface IceOffer {
  readonly port: number;
  readonly hasStun: boolean;
  readonly hasTurn: boolean;
  /** `turn.host`: where people reach it, when that is not the host of the page. */
  readonly host: string | undefined;
  /** An address of this machine in its network; undefined when it has none, or does not listen there. */
  readonly networkAddress: string | undefined;
  /** The certificate that is served (PEM): TURN over TLS is offered for the names in it only. */
  readonly certificate: string;
}

/** URLs of STUN and TURN as a participant can use them. */
export interface IceUrls {
  readonly stun: readonly string[];
  readonly turn: readonly string[];
}

/**
 * The URLs for somebody who opened the page at `pageHost` (as in a URL, without the port); none when that is not known.
 */
export function iceUrls(offer: IceOffer, pageHost: string | undefined): IceUrls {
  const target = parseHostAndPort(offer.host ?? usableHost(pageHost, offer.networkAddress));
  if (target === undefined) return { stun: [], turn: [] };
  const { host } = target;
  const place = `${hostPart(host)}:${target.port ?? offer.port}`;
  // Browsers accept no exception for a certificate here, as they do for pages.
  const tls = isNamedIn(offer.certificate, host) ? [`turns:${place}?transport=tcp`] : [];
  return {
    stun: offer.hasStun ? [`stun:${place}`] : [],
    turn: offer.hasTurn ? [`turn:${place}?transport=udp`, `turn:${place}?transport=tcp`, ...tls] : [],
  };
}

/**
 * Browsers send from the interfaces of the network, from where loopback cannot be reached. A page at localhost is on this very
 * machine, so its address in the network leads to the same place.
 */
function usableHost(pageHost: string | undefined, networkAddress: string | undefined): string {
  if (pageHost === undefined) return "";
  return isLocalHost(pageHost) && networkAddress !== undefined ? hostPart(networkAddress) : pageHost;
}

/** The same as a browser takes it. */
export function iceServers(
  urls: IceUrls,
  credential: { readonly username: string; readonly credential: string } | undefined,
): readonly IceServer[] {
  const stun = urls.stun.length === 0 ? [] : [{ urls: urls.stun }];
  if (credential === undefined || urls.turn.length === 0) return stun;
  return [...stun, { urls: urls.turn, username: credential.username, credential: credential.credential }];
}

/** Whether a certificate is for a host. */
export function isNamedIn(certificate: string, host: string): boolean {
  const leaf = new X509Certificate(certificate);
  return (isIP(host) === 0 ? leaf.checkHost(host) : leaf.checkIP(host)) !== undefined;
}
