import arrowLeft from "lucide-static/icons/arrow-left.svg?raw";
import arrowRight from "lucide-static/icons/arrow-right.svg?raw";
import check from "lucide-static/icons/check.svg?raw";
import chevronDown from "lucide-static/icons/chevron-down.svg?raw";
import circleAlert from "lucide-static/icons/circle-alert.svg?raw";
import copy from "lucide-static/icons/copy.svg?raw";
import crown from "lucide-static/icons/crown.svg?raw";
import doorOpen from "lucide-static/icons/door-open.svg?raw";
import download from "lucide-static/icons/download.svg?raw";
import ellipsis from "lucide-static/icons/ellipsis.svg?raw";
import file from "lucide-static/icons/file.svg?raw";
import hand from "lucide-static/icons/hand.svg?raw";
import keyboard from "lucide-static/icons/keyboard.svg?raw";
import languages from "lucide-static/icons/languages.svg?raw";
import lock from "lucide-static/icons/lock.svg?raw";
import maximize from "lucide-static/icons/maximize.svg?raw";
import messageSquare from "lucide-static/icons/message-square.svg?raw";
import mic from "lucide-static/icons/mic.svg?raw";
import micOff from "lucide-static/icons/mic-off.svg?raw";
import minimize from "lucide-static/icons/minimize.svg?raw";
import monitorUp from "lucide-static/icons/monitor-up.svg?raw";
import monitorX from "lucide-static/icons/monitor-x.svg?raw";
import paperclip from "lucide-static/icons/paperclip.svg?raw";
import phoneOff from "lucide-static/icons/phone-off.svg?raw";
import play from "lucide-static/icons/play.svg?raw";
import rotateCw from "lucide-static/icons/rotate-cw.svg?raw";
import send from "lucide-static/icons/send.svg?raw";
import settings from "lucide-static/icons/settings.svg?raw";
import share2 from "lucide-static/icons/share-2.svg?raw";
import shieldCheck from "lucide-static/icons/shield-check.svg?raw";
import sunMoon from "lucide-static/icons/sun-moon.svg?raw";
import triangleAlert from "lucide-static/icons/triangle-alert.svg?raw";
import userMinus from "lucide-static/icons/user-minus.svg?raw";
import userPlus from "lucide-static/icons/user-plus.svg?raw";
import users from "lucide-static/icons/users.svg?raw";
import video from "lucide-static/icons/video.svg?raw";
import videoOff from "lucide-static/icons/video-off.svg?raw";
import volume2 from "lucide-static/icons/volume-2.svg?raw";
import wifiOff from "lucide-static/icons/wifi-off.svg?raw";
import x from "lucide-static/icons/x.svg?raw";
import type { JSX } from "preact";

/** The icons of the page, from Lucide; only these are in the bundle. */
const ICONS = {
  "arrow-left": arrowLeft,
  "arrow-right": arrowRight,
  check,
  "chevron-down": chevronDown,
  "circle-alert": circleAlert,
  copy,
  crown,
  "door-open": doorOpen,
  download,
  ellipsis,
  file,
  hand,
  keyboard,
  languages,
  lock,
  maximize,
  "message-square": messageSquare,
  mic,
  "mic-off": micOff,
  minimize,
  "monitor-up": monitorUp,
  "monitor-x": monitorX,
  paperclip,
  "phone-off": phoneOff,
  play,
  "rotate-cw": rotateCw,
  send,
  settings,
  "share-2": share2,
  "shield-check": shieldCheck,
  "sun-moon": sunMoon,
  "triangle-alert": triangleAlert,
  "user-minus": userMinus,
  "user-plus": userPlus,
  users,
  video,
  "video-off": videoOff,
  "volume-2": volume2,
  "wifi-off": wifiOff,
  x,
} as const;

export type IconName = keyof typeof ICONS;

/** A decorative icon: what it means is said by the text or the label beside it. */
export function Icon({ name }: { readonly name: IconName }): JSX.Element {
  return <span class="icon" aria-hidden="true" dangerouslySetInnerHTML={{ __html: ICONS[name] }} />;
}
