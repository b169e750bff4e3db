import type { Room } from "@naru/client";

declare global {
  interface Window {
    /** The room of this page, for the console: `naru.room.remoteParticipants`. */
    naru?: { readonly room: Room | undefined };
  }
}

/** Puts the room where power users and tests find it: `window.naru.room`. */
export function exposeRoom(room: Room | undefined): void {
  window.naru = { room };
}
