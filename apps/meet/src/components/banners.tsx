import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { locale, t } from "../i18n/index.ts";
import { watchLevel } from "../media/audio-level.ts";
import type { Meeting } from "../meeting/meeting.ts";
import { MutedTalkingHint } from "../model/muted-talking.ts";
import { playEverything } from "./audio-sinks.tsx";
import { Icon } from "./icon.tsx";

/** What needs attention: a lost server, sound held back, one's own screen on show, Space held to talk. */
export function Banners({ meeting }: { readonly meeting: Meeting }): JSX.Element {
  const { banner, controls, tile } = t.value;
  return (
    <div class="banners">
      {meeting.state.value === "reconnecting" && <Reconnecting meeting={meeting} />}
      {meeting.audioBlocked.value && (
        <div class="banner banner-accent" data-testid="audio-blocked">
          <span>{banner.audioBlocked}</span>
          <button type="button" class="button button-primary" onClick={() => playEverything(meeting)}>
            <Icon name="volume-2" />
            {banner.hearEveryone}
          </button>
        </div>
      )}
      {meeting.local.value.screen !== undefined && (
        <div class="banner" data-testid="sharing">
          <Icon name="monitor-up" />
          <span>{tile.yourScreenShared}</span>
          <button type="button" class="button" onClick={() => void meeting.toggleShare()}>
            {controls.stopShare}
          </button>
        </div>
      )}
      <MutedTalking meeting={meeting} />
      {meeting.talking.value && (
        <div class="banner banner-accent">
          <Icon name="mic" />
          <span>{controls.holdToTalk}</span>
        </div>
      )}
    </div>
  );
}

/** Tells somebody who talks into a microphone that is switched off. How loud it is never leaves this page. */
function MutedTalking({ meeting }: { readonly meeting: Meeting }): JSX.Element | null {
  const { audio, microphone } = meeting.local.value;
  const [talking, setTalking] = useState(false);
  useEffect(() => {
    setTalking(false);
    if (audio || microphone === undefined) return;
    // The switched-off track is silent; its copy is not, and is sent to nobody.
    const copy = microphone.clone();
    copy.enabled = true;
    const hint = new MutedTalkingHint();
    const stop = watchLevel([copy], (level) => setTalking(hint.handleLevel(level, performance.now())));
    return () => {
      stop();
      copy.stop();
    };
  }, [audio, microphone]);
  if (!talking) return null;
  return (
    <div class="banner banner-warn" data-testid="muted-talking">
      <Icon name="mic-off" />
      <span role="status">{t.value.banner.mutedTalking}</span>
      <button type="button" class="button" onClick={() => void meeting.toggleMicrophone()}>
        {t.value.controls.unmuteMicrophone}
      </button>
    </div>
  );
}

function Reconnecting({ meeting }: { readonly meeting: Meeting }): JSX.Element {
  const { banner } = t.value;
  const seconds = useSecondsUntil(meeting.retryAt.value);
  return (
    <div class="banner banner-warn" role="alert" data-testid="banner">
      <Icon name="wifi-off" />
      {/* The countdown is for the eyes: read aloud every second it would drown everything else. */}
      <span class="visually-hidden">{banner.reconnecting}</span>
      <span aria-hidden="true">
        {seconds === undefined || seconds === 0
          ? banner.reconnecting
          : banner.retryIn(formatSeconds(seconds, locale.value))}
      </span>
      <button
        type="button"
        class="button"
        data-testid="reconnect-button"
        onClick={() => meeting.room.reconnectNow()}
      >
        <Icon name="rotate-cw" />
        {banner.reconnectNow}
      </button>
    </div>
  );
}

function useSecondsUntil(at: number | undefined): number | undefined {
  const [now, setNow] = useState(() => performance.now());
  useEffect(() => {
    setNow(performance.now());
    if (at === undefined) return;
    const timer = setInterval(() => setNow(performance.now()), 250);
    return () => clearInterval(timer);
  }, [at]);
  return at === undefined ? undefined : Math.max(0, Math.ceil((at - now) / 1000));
}

function formatSeconds(seconds: number, language: string): string {
  return new Intl.NumberFormat(language, { style: "unit", unit: "second", unitDisplay: "long" }).format(
    seconds,
  );
}
