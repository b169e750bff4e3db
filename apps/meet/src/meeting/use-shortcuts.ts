import { useEffect } from "preact/hooks";
import { focusKind, type ShortcutAction, shortcutFor } from "../model/shortcuts.ts";
import { preferences } from "../store.ts";
import type { Meeting } from "./meeting.ts";

/** Listens to the keyboard for as long as the call is on the screen. */
export function useShortcuts(meeting: Meeting, onHelp: () => void): void {
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || event.isComposing || document.querySelector("dialog[open]") !== null)
        return;
      const action = shortcutFor(event, focusKind(document.activeElement), preferences.peek().singleKeys);
      if (action === undefined) return;
      event.preventDefault();
      run(meeting, action, onHelp);
    };
    const stopTalking = (): void => {
      if (!meeting.talking.peek()) return;
      meeting.talking.value = false;
      void meeting.setMicrophone(false);
    };
    const onKeyUp = (event: KeyboardEvent): void => {
      if (event.code === "Space") stopTalking();
    };
    addEventListener("keydown", onKeyDown);
    addEventListener("keyup", onKeyUp);
    // The key may be released while another window has the keyboard: nobody may stay audible by accident.
    addEventListener("blur", stopTalking);
    return () => {
      removeEventListener("keydown", onKeyDown);
      removeEventListener("keyup", onKeyUp);
      removeEventListener("blur", stopTalking);
    };
  }, [meeting]);
}

function run(meeting: Meeting, action: ShortcutAction, onHelp: () => void): void {
  const actions: Readonly<Record<ShortcutAction, () => unknown>> = {
    toggleMicrophone: () => meeting.toggleMicrophone(),
    toggleCamera: () => meeting.toggleCamera(),
    toggleShare: () => meeting.toggleShare(),
    toggleChat: () => meeting.togglePanel("chat"),
    togglePeople: () => meeting.togglePanel("people"),
    toggleHand: () => meeting.toggleHand(),
    showHelp: onHelp,
    pushToTalk: () => startTalking(meeting),
  };
  actions[action]();
}

function startTalking(meeting: Meeting): void {
  if (meeting.local.peek().audio) return;
  meeting.talking.value = true;
  void meeting.setMicrophone(true);
}
