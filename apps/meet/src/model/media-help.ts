import type { CaptureErrorCode } from "@naru/client";
import type { Messages } from "../i18n/index.ts";

/** What happened to a device, and what to do about it, in words. */
export interface MediaHelp {
  readonly title: string;
  readonly action: string;
  /** The same page over https, when that is what is missing. */
  readonly secureUrl?: string;
}

/** Kind of browser, as far as the way to its permission settings differs. */
export type BrowserKind = "chromium" | "firefox" | "safari" | "android" | "ios" | "other";

/** Kind of system, as far as the way to its privacy settings differs. */
export type SystemKind = "mac" | "windows" | "other";

/** The sentences for an error of a device. Undefined for errors that need no help: a closed picker. */
export function mediaHelp(
  code: CaptureErrorCode,
  messages: Messages,
  userAgent: string,
  pageUrl: string,
): MediaHelp | undefined {
  const help = messages.mediaHelp;
  switch (code) {
    case "INSECURE_CONTEXT":
      return { title: help.insecureTitle, action: help.insecureDo, secureUrl: secureUrlOf(pageUrl) };
    case "PERMISSION_DENIED":
      return { title: help.deniedTitle, action: help.denied[browserKind(userAgent)] };
    case "PERMISSION_DENIED_BY_SYSTEM":
      return { title: help.systemTitle, action: help.system[systemKind(userAgent)] };
    case "DEVICE_NOT_FOUND":
      return { title: help.notFoundTitle, action: help.notFoundDo };
    case "DEVICE_IN_USE":
      return { title: help.inUseTitle, action: help.inUseDo };
    case "DEVICE_UNSUITABLE":
      return { title: help.unsuitableTitle, action: help.unsuitableDo };
    case "CAPTURE_FAILED":
      return { title: help.otherTitle, action: help.otherDo };
    case "SCREEN_SHARE_UNSUPPORTED":
      return { title: messages.errors.title, action: messages.errors.SCREEN_SHARE_UNSUPPORTED };
    case "SCREEN_SHARE_CANCELLED":
      return undefined;
    default:
      return code satisfies never;
  }
}

/** Which way to the permission settings to describe. */
export function browserKind(userAgent: string): BrowserKind {
  if (/iPhone|iPad|iPod/.test(userAgent)) return "ios";
  if (/Android/.test(userAgent)) return /Firefox/.test(userAgent) ? "firefox" : "android";
  if (/Firefox\//.test(userAgent)) return "firefox";
  if (/Chrome\/|Chromium\//.test(userAgent)) return "chromium";
  return /Safari\//.test(userAgent) ? "safari" : "other";
}

/** Which way to the privacy settings to describe. */
export function systemKind(userAgent: string): SystemKind {
  if (/Mac OS X|Macintosh/.test(userAgent)) return "mac";
  return /Windows/.test(userAgent) ? "windows" : "other";
}

/** The same address with https; the server speaks both on one port. */
function secureUrlOf(pageUrl: string): string {
  return pageUrl.replace(/^http:/, "https:");
}
