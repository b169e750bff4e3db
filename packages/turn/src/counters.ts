/** What the server did since it was made. */
export interface TurnCounters {
  /** Allocations that came about, by the protocol between relay and peers. */
  allocationsUdp: number;
  allocationsTcp: number;
  /** Allocate requests refused for a quota (486) or for want of ports or room (508). */
  quotaRefused: number;
  capacityRefused: number;
  /** Requests to reach a peer that the policy forbids (403). */
  peersForbidden: number;
  permissions: number;
  channelBindings: number;
  /** Error answers of other kinds. */
  refused: number;
  /** Packets and payload from clients to peers, and back. */
  packetsToPeers: number;
  bytesToPeers: number;
  packetsToClients: number;
  bytesToClients: number;
  /** Packets dropped: without a permission or channel; to or from a peer the policy forbids; above the bandwidth limit. */
  droppedNoPermission: number;
  droppedForbidden: number;
  droppedBandwidth: number;
  /** Datagrams and indications that mean nothing here. */
  ignored: number;
  /** Connections to peers (RFC 6062): those that clients asked for, those that peers opened, and those that were bound. */
  peerConnects: number;
  peerConnectsFailed: number;
  peerAccepts: number;
  dataConnections: number;
  /** Streams of clients closed for what they sent, or for sending nothing. */
  streamsMalformed: number;
  streamsIdle: number;
}

export function createCounters(): TurnCounters {
  return {
    allocationsUdp: 0,
    allocationsTcp: 0,
    quotaRefused: 0,
    capacityRefused: 0,
    peersForbidden: 0,
    permissions: 0,
    channelBindings: 0,
    refused: 0,
    packetsToPeers: 0,
    bytesToPeers: 0,
    packetsToClients: 0,
    bytesToClients: 0,
    droppedNoPermission: 0,
    droppedForbidden: 0,
    droppedBandwidth: 0,
    ignored: 0,
    peerConnects: 0,
    peerConnectsFailed: 0,
    peerAccepts: 0,
    dataConnections: 0,
    streamsMalformed: 0,
    streamsIdle: 0,
  };
}
