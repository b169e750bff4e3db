import type { ConnectionReport, SignalingStats } from "@naru/signaling";
import { renderMetrics, type TurnMetric } from "@naru/turn";
import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";
import type { PortStats } from "../port/port.ts";

/** Where the figures come from. They are read when somebody asks for the metrics, not before. */
export interface MetricsSources {
  readonly version: string;
  readonly signaling: () => SignalingStats;
  /** Datagrams on the STUN port by what became of them. */
  readonly stun: () => Readonly<Record<string, number>>;
  readonly turn: () => readonly TurnMetric[];
  readonly port: () => PortStats;
}

/** Codes of verdicts are a client's words: this many different ones get a series of their own. */
const MAX_REPORT_CODES = 64;
const REPORT_CODE = /^[A-Z][A-Z0-9_]{1,47}$/;

/** What Prometheus sees. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #turn: () => readonly TurnMetric[];
  readonly #reports: Counter;
  readonly #reportCodes = new Set<string>();

  constructor(sources: MetricsSources) {
    const registers = [this.#registry];
    collectDefaultMetrics({ register: this.#registry });
    new Gauge({ name: "naru_info", help: "Version of the server.", labelNames: ["version"], registers }).set(
      { version: sources.version },
      1,
    );
    this.#reports = new Counter({
      name: "naru_connection_reports_total",
      help: "What clients say of their connections to each other.",
      labelNames: ["phase", "outcome", "code"],
      registers,
    });
    this.#addSignaling(sources.signaling);
    this.#addStun(sources.stun);
    this.#turn = sources.turn;
    this.#addPort(sources.port);
  }

  /** Counts what a client says of a connection. */
  countReport({ report }: ConnectionReport): void {
    const code = report.code === undefined ? "" : this.#reportCode(report.code);
    this.#reports.inc({ phase: report.phase, outcome: report.outcome, code });
  }

  /** Everything in Prometheus' text format. */
  async render(): Promise<string> {
    return (await this.#registry.metrics()) + renderMetrics(this.#turn());
  }

  #reportCode(code: string): string {
    if (this.#reportCodes.has(code)) return code;
    if (!REPORT_CODE.test(code) || this.#reportCodes.size >= MAX_REPORT_CODES) return "OTHER";
    this.#reportCodes.add(code);
    return code;
  }

  #addSignaling(stats: () => SignalingStats): void {
    this.#gauge("naru_rooms", "Rooms now.", () => stats().rooms);
    this.#gauge("naru_participants", "Participants now, in all rooms.", () => stats().participants);
    this.#gauge(
      "naru_participants_reconnecting",
      "Those whose connection is broken now.",
      () => stats().reconnecting,
    );
    this.#gauge("naru_knocking", "People waiting in lobbies now.", () => stats().knocking);
    this.#gauge("naru_signaling_connections", "Signaling connections now.", () => stats().connections);
    this.#counter("naru_joins_total", "Sessions begun.", () => stats().joins);
    this.#counter(
      "naru_resumes_total",
      "Sessions continued after a broken connection.",
      () => stats().resumes,
    );
    this.#counter(
      "naru_signaling_refused_upgrades_total",
      "WebSockets refused.",
      () => stats().refusedUpgrades,
    );
    this.#counter(
      "naru_signaling_slow_consumers_total",
      "Connections cut for not reading.",
      () => stats().slowConsumers,
    );
    this.#counter("naru_signaling_received_bytes_total", "Bytes from clients.", () => stats().bytesReceived);
    this.#labelled("naru_signaling_messages_total", "Signaling messages.", "direction", () => [
      ["received", stats().messagesReceived],
      ["sent", stats().messagesSent],
    ]);
    this.#labelled("naru_signaling_refusals_total", "Errors sent to clients.", "code", () => [
      ...stats().refusals.entries(),
    ]);
  }

  #addStun(counters: () => Readonly<Record<string, number>>): void {
    this.#labelled("naru_stun_requests_total", "Datagrams on the STUN port.", "outcome", () =>
      Object.entries(counters()),
    );
  }

  #addPort(stats: () => PortStats): void {
    this.#gauge("naru_tcp_connections", "TCP connections now.", () => stats().open);
    this.#gauge(
      "naru_tcp_waiting",
      "TCP connections that have not said what they want.",
      () => stats().waiting,
    );
    this.#labelled(
      "naru_tcp_dropped_total",
      "TCP connections dropped before their first request.",
      "reason",
      () => {
        const { expired, evicted, unknown, tlsFailures, overLimit } = stats();
        return [
          ["timeout", expired],
          ["crowded", evicted],
          ["unknown protocol", unknown],
          ["tls", tlsFailures],
          ["address limit", overLimit],
        ];
      },
    );
  }

  #gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      name,
      help,
      registers: [this.#registry],
      collect() {
        this.set(read());
      },
    });
  }

  /** A counter that somebody else counts. */
  #counter(name: string, help: string, read: () => number): void {
    new Counter({
      name,
      help,
      registers: [this.#registry],
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  }

  #labelled(
    name: string,
    help: string,
    label: string,
    read: () => Iterable<readonly [string, number]>,
  ): void {
    new Counter({
      name,
      help,
      labelNames: [label],
      registers: [this.#registry],
      collect() {
        this.reset();
        for (const [value, count] of read()) this.inc({ [label]: value }, count);
      },
    });
  }
}
