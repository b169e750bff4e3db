/** Calls back about 20 times a second with the loudness of a sound, 0…1; returns what stops it. */
export function watchLevel(
  tracks: readonly MediaStreamTrack[],
  onLevel: (level: number) => void,
): () => void {
  const context = audioContext();
  if (context === undefined || tracks.length === 0) return () => undefined;
  const source = context.createMediaStreamSource(new MediaStream([...tracks]));
  const analyser = context.createAnalyser();
  analyser.fftSize = 512;
  source.connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  let smooth = 0;
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    const level = loudness(samples);
    // Up at once, down slowly: a ring that flickers between syllables tires the eye.
    smooth = level > smooth ? level : smooth * 0.82 + level * 0.18;
    onLevel(smooth);
  }, SAMPLE_INTERVAL_MS);
  return () => {
    clearInterval(timer);
    source.disconnect();
    analyser.disconnect();
  };
}

/** Loudness of samples as ears hear it: −60 dB is 0, −12 dB and more is 1. */
export function loudness(samples: Float32Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  if (sum === 0) return 0;
  const decibels = 10 * Math.log10(sum / samples.length);
  return Math.min(1, Math.max(0, (decibels + 60) / 48));
}

/** Level above which somebody counts as speaking. */
export const SPEAKING_LEVEL = 0.28;

/** Lets sound and meters start after a click, where the browser had held them back. */
export function resumeAudio(): void {
  if (shared?.state === "suspended") void shared.resume();
}

/** Plays a short soft tone on a speaker, to hear whether it is the right one. */
export async function playTestTone(speakerId: string | undefined): Promise<void> {
  const context = audioContext();
  if (context === undefined) return;
  await context.resume();
  const destination = context.createMediaStreamDestination();
  const gain = context.createGain();
  gain.connect(destination);
  const now = context.currentTime;
  gain.gain.setValueAtTime(0, now);
  for (const [index, frequency] of [523.25, 659.25, 783.99].entries()) {
    const from = now + index * 0.22;
    const tone = context.createOscillator();
    tone.frequency.value = frequency;
    tone.connect(gain);
    gain.gain.linearRampToValueAtTime(0.25, from + 0.03);
    gain.gain.linearRampToValueAtTime(0, from + 0.21);
    tone.start(from);
    tone.stop(from + 0.22);
  }
  const element = new Audio();
  element.srcObject = destination.stream;
  await chooseSpeaker(element, speakerId);
  await element.play();
  setTimeout(() => {
    element.pause();
    element.srcObject = null;
  }, 1_000);
}

/** Sends an element's sound to a speaker, where the browser can; an unplugged one falls back to the default. */
export async function chooseSpeaker(element: HTMLMediaElement, speakerId: string | undefined): Promise<void> {
  if (typeof element.setSinkId !== "function") return;
  try {
    await element.setSinkId(speakerId ?? "");
  } catch {
    // The speaker is gone or not permitted: the default one is already in use.
  }
}

const SAMPLE_INTERVAL_MS = 50;
let shared: AudioContext | undefined;

/** One context for the page: browsers allow only a few. */
function audioContext(): AudioContext | undefined {
  if (typeof AudioContext === "undefined") return undefined;
  if (shared === undefined) {
    shared = new AudioContext();
    // Browsers let a page's sound begin only with a click or a key: a context made before that waits for one.
    for (const event of ["pointerdown", "keydown"]) addEventListener(event, resumeAudio, { capture: true });
  }
  resumeAudio();
  return shared;
}
