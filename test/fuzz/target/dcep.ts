import { decodeDcep, encodeDcepOpen } from "@naru/webrtc/datachannel";

/** A DCEP message that is accepted reads back as the same. */
export function target(bytes: Uint8Array): void {
  const message = decodeDcep(bytes);
  if (message.type !== "open") return;
  const again = decodeDcep(encodeDcepOpen(message.parameters));
  if (JSON.stringify(again) !== JSON.stringify(message)) throw new Error("it does not read back");
}
