/**
 * A device's name without what the operating system adds: "Default - MacBook Pro Microphone (Built-in)" is a
 * "MacBook Pro Microphone", "HD Webcam (046d:0825)" is a "HD Webcam".
 */
export function cleanDeviceLabel(label: string): string {
  const clean = label
    .replace(/^(default|communications|기본값|통신)\s+-\s+/i, "")
    .replace(/\s*\((built-in|내장)\)$/i, "")
    .replace(/\s*\([0-9a-f]{4}:[0-9a-f]{4}\)$/i, "")
    .trim();
  return clean === "" ? label.trim() : clean;
}
