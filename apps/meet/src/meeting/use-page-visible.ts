import { useEffect } from "preact/hooks";
import { KeepAwake } from "../media/keep-awake.ts";
import type { Meeting } from "./meeting.ts";

/** For as long as the call is on the screen: it stays lit, and what came meanwhile is read when one looks again. */
export function usePageVisible(meeting: Meeting): void {
  useEffect(() => {
    const awake = new KeepAwake(navigator.wakeLock);
    const onChange = (): void => {
      if (document.hidden) return;
      meeting.handlePageVisible();
      void awake.hold();
    };
    onChange();
    document.addEventListener("visibilitychange", onChange);
    return () => {
      document.removeEventListener("visibilitychange", onChange);
      awake.release();
    };
  }, [meeting]);
}
