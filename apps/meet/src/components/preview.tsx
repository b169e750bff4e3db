import type { JSX } from "preact";
import { t } from "../i18n/index.ts";
import type { Meeting } from "../meeting/meeting.ts";
import { preferences } from "../store.ts";
import { Icon } from "./icon.tsx";
import { StreamVideo, streamOf } from "./media-element.tsx";

/** One's own picture before the call, with the two switches. */
export function Preview({ meeting }: { readonly meeting: Meeting }): JSX.Element {
  const { preJoin, controls } = t.value;
  const { audio, video, camera } = meeting.local.value;
  return (
    <div class="preview">
      {video && camera !== undefined ? (
        <StreamVideo stream={streamOf(camera)} mirrored={preferences.value.mirror} label={preJoin.camera} />
      ) : (
        <p class="preview-off">
          <Icon name="video-off" />
          {preJoin.cameraOff}
        </p>
      )}
      <div class="preview-controls">
        <button
          type="button"
          class="round-button"
          data-on={audio}
          data-testid="mic-button"
          aria-label={audio ? controls.muteMicrophone : controls.unmuteMicrophone}
          title={audio ? controls.muteMicrophone : controls.unmuteMicrophone}
          onClick={() => void meeting.toggleMicrophone()}
        >
          <Icon name={audio ? "mic" : "mic-off"} />
        </button>
        <button
          type="button"
          class="round-button"
          data-on={video}
          data-testid="cam-button"
          aria-label={video ? controls.stopCamera : controls.startCamera}
          title={video ? controls.stopCamera : controls.startCamera}
          onClick={() => void meeting.toggleCamera()}
        >
          <Icon name={video ? "video" : "video-off"} />
        </button>
      </div>
    </div>
  );
}
