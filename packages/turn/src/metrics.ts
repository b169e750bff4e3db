import type { StunServerCounters } from "@naru/webrtc/stun";
import type { TurnService } from "./turn-service.ts";

/** One figure, as Prometheus knows them. */
export interface TurnMetric {
  readonly name: string;
  readonly type: "counter" | "gauge";
  readonly help: string;
  /** One sample, or one for each value of a label. */
  readonly samples: readonly TurnMetricSample[];
}

export interface TurnMetricSample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** All figures of a server as they are now. */
export function readMetrics(
  service: TurnService,
  binding: Readonly<StunServerCounters>,
): readonly TurnMetric[] {
  const { counters, gauges, authenticationCounters: auth } = service.server;
  return [
    gauge("naru_turn_allocations", "Allocations now.", gauges.allocations),
    gauge("naru_turn_users", "Users with an allocation now.", gauges.users),
    gauge("naru_turn_reservations", "Ports held by EVEN-PORT now.", gauges.reservations),
    gauge("naru_turn_streams", "TCP and TLS connections of clients now.", gauges.streams),
    gauge("naru_turn_peer_connections", "TCP connections to peers now.", gauges.peerConnections),
    labelled("naru_turn_allocations_total", "Allocations made.", "transport", {
      udp: counters.allocationsUdp,
      tcp: counters.allocationsTcp,
    }),
    labelled("naru_turn_refusals_total", "Requests refused.", "reason", {
      quota: counters.quotaRefused,
      capacity: counters.capacityRefused,
      "forbidden peer": counters.peersForbidden,
      other: counters.refused,
    }),
    labelled("naru_turn_authentications_total", "Requests by what their credentials were.", "outcome", {
      ...auth,
    }),
    labelled("naru_turn_packets_total", "Relayed packets.", "direction", {
      "to peer": counters.packetsToPeers,
      "to client": counters.packetsToClients,
    }),
    labelled("naru_turn_bytes_total", "Relayed payload in bytes.", "direction", {
      "to peer": counters.bytesToPeers,
      "to client": counters.bytesToClients,
    }),
    labelled("naru_turn_dropped_total", "Packets dropped.", "reason", {
      "no permission": counters.droppedNoPermission,
      "forbidden peer": counters.droppedForbidden,
      bandwidth: counters.droppedBandwidth,
      "no memory": service.server.droppedCount,
      "slow stream": service.slowStreamDrops,
      "system refused": service.refusedDatagrams,
    }),
    labelled("naru_turn_ignored_total", "What was not answered.", "reason", {
      meaningless: counters.ignored,
      amplification: service.server.withheldCount,
    }),
    labelled("naru_turn_bindings_total", "Permissions and channels installed or refreshed.", "kind", {
      permission: counters.permissions,
      channel: counters.channelBindings,
    }),
    labelled("naru_turn_peer_connections_total", "TCP connections to peers.", "kind", {
      connect: counters.peerConnects,
      failed: counters.peerConnectsFailed,
      accept: counters.peerAccepts,
      joined: counters.dataConnections,
    }),
    labelled("naru_turn_streams_closed_total", "Streams of clients closed by the server.", "reason", {
      malformed: counters.streamsMalformed,
      idle: counters.streamsIdle,
    }),
    labelled("naru_turn_stun_requests_total", "Binding requests.", "outcome", { ...binding }),
  ];
}

/** The figures in Prometheus' text format. */
export function renderMetrics(metrics: readonly TurnMetric[]): string {
  return metrics
    .map(({ name, type, help, samples }) => {
      const lines = samples.map(({ labels, value }) => {
        const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapeLabel(text)}"`);
        return `${name}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${value}`;
      });
      return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines, ""].join("\n");
    })
    .join("");
}

function gauge(name: string, help: string, value: number): TurnMetric {
  return { name, type: "gauge", help, samples: [{ labels: {}, value }] };
}

function labelled(
  name: string,
  help: string,
  label: string,
  values: Readonly<Record<string, number>>,
): TurnMetric {
  const samples = Object.entries(values).map(([text, value]) => ({ labels: { [label]: text }, value }));
  return { name, type: "counter", help, samples };
}

function escapeLabel(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
