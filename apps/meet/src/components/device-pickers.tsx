import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { t } from "../i18n/index.ts";
import { playTestTone } from "../media/audio-level.ts";
import { type DeviceChoice, devices, refreshDevices } from "../media/devices.ts";
import type { Meeting } from "../meeting/meeting.ts";
import { preferences, remember } from "../store.ts";
import { Icon, type IconName } from "./icon.tsx";
import { LevelMeter } from "./level.tsx";

/** Microphone with its meter, camera, speaker with its test sound. Choices take effect at once and are remembered. */
export function DevicePickers({ meeting }: { readonly meeting: Meeting }): JSX.Element {
  const { preJoin } = t.value;
  const { microphones, cameras, speakers } = devices.value;
  const chosen = preferences.value;
  const { audio, microphone, video } = meeting.local.value;
  const granted = microphone !== undefined || video;
  // Labels appear only after the user has allowed a device: ask again whenever that happens.
  useEffect(() => void refreshDevices(), [granted]);
  return (
    <div class="pickers">
      <Picker
        icon="mic"
        label={preJoin.microphone}
        choices={microphones}
        chosen={chosen.microphoneId}
        onChoose={(microphoneId) => {
          remember({ microphoneId });
          if (meeting.local.peek().audio) void meeting.setMicrophone(true);
        }}
      >
        <LevelMeter
          tracks={microphone === undefined ? [] : [microphone]}
          active={audio && microphone !== undefined}
          label={preJoin.meter}
        />
      </Picker>
      <Picker
        icon="video"
        label={preJoin.camera}
        choices={cameras}
        chosen={chosen.cameraId}
        onChoose={(cameraId) => {
          remember({ cameraId });
          if (meeting.local.peek().video) void meeting.setCamera(true);
        }}
      />
      {canChooseSpeaker() && (
        <Picker
          icon="volume-2"
          label={preJoin.speaker}
          choices={speakers}
          chosen={chosen.speakerId}
          onChoose={(speakerId) => remember({ speakerId })}
        >
          <button
            type="button"
            class="icon-button"
            aria-label={preJoin.testSpeaker}
            title={preJoin.testSpeaker}
            onClick={() => void playTestTone(preferences.peek().speakerId)}
          >
            <Icon name="play" />
          </button>
        </Picker>
      )}
    </div>
  );
}

interface PickerProps {
  readonly icon: IconName;
  readonly label: string;
  readonly choices: readonly DeviceChoice[];
  readonly chosen: string | undefined;
  readonly onChoose: (id: string | undefined) => void;
  readonly children?: JSX.Element;
}

function Picker({ icon, label, choices, chosen, onChoose, children }: PickerProps): JSX.Element {
  // A device that is not plugged in today stays remembered, and the default is used meanwhile.
  const value = choices.some((choice) => choice.id === chosen) ? chosen : "";
  return (
    <div class="picker">
      <label class="picker-select">
        <Icon name={icon} />
        <span class="visually-hidden">{label}</span>
        <select
          value={value}
          onChange={({ currentTarget }) =>
            onChoose(currentTarget.value === "" ? undefined : currentTarget.value)
          }
        >
          <option value="">{t.value.preJoin.systemDefault}</option>
          {choices.map((choice, index) => (
            <option key={choice.id} value={choice.id}>
              {choice.label === "" ? `${label} ${index + 1}` : choice.label}
            </option>
          ))}
        </select>
        <Icon name="chevron-down" />
      </label>
      {children}
    </div>
  );
}

function canChooseSpeaker(): boolean {
  return "setSinkId" in HTMLMediaElement.prototype;
}
