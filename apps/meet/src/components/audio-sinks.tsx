import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { chooseSpeaker, resumeAudio } from "../media/audio-level.ts";
import type { Meeting } from "../meeting/meeting.ts";
import { preferences } from "../store.ts";

/** Everybody's sound, apart from the pictures: rearranging tiles never interrupts a voice. */
export function AudioSinks({ meeting }: { readonly meeting: Meeting }): JSX.Element {
  return (
    <>
      {meeting.peers.value.map((peer) => (
        <AudioOf key={peer.id} meeting={meeting} camera={peer.camera} screen={peer.screen} />
      ))}
    </>
  );
}

function AudioOf({
  meeting,
  camera,
  screen,
}: {
  readonly meeting: Meeting;
  readonly camera: MediaStream | undefined;
  readonly screen: MediaStream | undefined;
}): JSX.Element {
  return (
    <>
      {camera !== undefined && <Sink meeting={meeting} stream={camera} />}
      {screen !== undefined && screen.getAudioTracks().length > 0 && (
        <Sink meeting={meeting} stream={screen} />
      )}
    </>
  );
}

function Sink({ meeting, stream }: { readonly meeting: Meeting; readonly stream: MediaStream }): JSX.Element {
  const element = useRef<HTMLAudioElement>(null);
  const speakerId = preferences.value.speakerId;
  useEffect(() => {
    const audio = element.current;
    if (audio === null) return;
    audio.srcObject = stream;
    audio.play().catch((error: unknown) => {
      // Anything else means that the element is gone again.
      if (error instanceof DOMException && error.name === "NotAllowedError")
        meeting.audioBlocked.value = true;
    });
    return () => {
      audio.srcObject = null;
    };
  }, [stream, meeting]);
  useEffect(() => {
    if (element.current !== null) void chooseSpeaker(element.current, speakerId);
  }, [speakerId]);
  // biome-ignore lint/a11y/useMediaCaption: live voices have no captions.
  return <audio ref={element} autoplay data-sink />;
}

/** After a click: starts every sound that the browser held back. */
export function playEverything(meeting: Meeting): void {
  meeting.audioBlocked.value = false;
  resumeAudio();
  for (const element of document.querySelectorAll<HTMLAudioElement>("audio[data-sink]")) {
    element.play().catch(() => {
      meeting.audioBlocked.value = true;
    });
  }
}
