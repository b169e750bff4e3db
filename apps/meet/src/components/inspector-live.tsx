import type { JSX } from "preact";
import { locale, t } from "../i18n/index.ts";
import { HISTORY_LENGTH, type StatsHistory } from "../meeting/connection-stats.ts";
import { formatBitrate, formatMillis } from "../model/format.ts";
import { Fact } from "./inspector-phases.tsx";

/** What is measured now, and the last minute as a line. */
export function LiveNumbers({ history }: { readonly history: StatsHistory }): JSX.Element | null {
  const { inspector } = t.value;
  const { current, inbound } = history;
  if (current === undefined) return null;
  const { roundTripMs, inboundBitrateBps, outboundBitrateBps, inboundLoss, video } = current;
  const language = locale.value;
  return (
    <section class="inspector-section" data-testid="live">
      <h3>{inspector.live}</h3>
      <dl class="facts facts-tiles">
        {inboundBitrateBps !== undefined && (
          <Fact name={inspector.received}>{formatBitrate(inboundBitrateBps, language)}</Fact>
        )}
        {outboundBitrateBps !== undefined && (
          <Fact name={inspector.sent}>{formatBitrate(outboundBitrateBps, language)}</Fact>
        )}
        {roundTripMs !== undefined && (
          <Fact name={inspector.roundTrip}>{formatMillis(roundTripMs, language)}</Fact>
        )}
        {inboundLoss !== undefined && <Fact name={inspector.loss}>{formatShare(inboundLoss, language)}</Fact>}
        {video?.width !== undefined && video.height !== undefined && (
          <Fact name={inspector.resolution}>
            {inspector.resolutionValue(
              video.width,
              video.height,
              video.framesPerSecond === undefined ? undefined : Math.round(video.framesPerSecond),
            )}
          </Fact>
        )}
      </dl>
      <Sparkline values={inbound} label={inspector.history} />
    </section>
  );
}

function Sparkline({
  values,
  label,
}: {
  readonly values: readonly number[];
  readonly label: string;
}): JSX.Element {
  const top = Math.max(1, ...values);
  const points = values.map((value, index) => {
    const x = HISTORY_LENGTH - values.length + index;
    return `${x},${(30 - (value / top) * 28).toFixed(1)}`;
  });
  return (
    <figure class="sparkline">
      <svg viewBox={`0 0 ${HISTORY_LENGTH - 1} 31`} preserveAspectRatio="none" role="img" aria-label={label}>
        <polyline points={points.join(" ")} vector-effect="non-scaling-stroke" />
      </svg>
      <figcaption>
        <span>{label}</span>
        <span class="numeric">{t.value.inspector.atMost(formatBitrate(top, locale.value))}</span>
      </figcaption>
    </figure>
  );
}

function formatShare(share: number, language: string): string {
  return new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 1 }).format(share);
}
