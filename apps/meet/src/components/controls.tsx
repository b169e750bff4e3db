import type { JSX } from "preact";
import { useRef } from "preact/hooks";
import { t } from "../i18n/index.ts";
import type { Meeting } from "../meeting/meeting.ts";
import { preferences } from "../store.ts";
import { Icon, type IconName } from "./icon.tsx";

/** A dialog of the call. */
export type DialogName = "invite" | "settings" | "shortcuts" | "leave";

interface ControlsProps {
  readonly meeting: Meeting;
  readonly onDialog: (name: DialogName) => void;
}

/** The floating bar: the switches, the panels, and leaving. */
export function Controls({ meeting, onDialog }: ControlsProps): JSX.Element {
  const { controls } = t.value;
  const { audio, video } = meeting.local.value;
  return (
    <footer class="controls-area">
      <section class="controls" aria-label={controls.bar}>
        <BarButton
          icon={audio ? "mic" : "mic-off"}
          label={audio ? controls.muteMicrophone : controls.unmuteMicrophone}
          hint="M"
          testId="mic-button"
          warn={!audio}
          on={audio}
          onClick={() => void meeting.toggleMicrophone()}
        />
        <BarButton
          icon={video ? "video" : "video-off"}
          label={video ? controls.stopCamera : controls.startCamera}
          hint="V"
          testId="cam-button"
          warn={!video}
          on={video}
          onClick={() => void meeting.toggleCamera()}
        />
        <SecondaryButtons meeting={meeting} />
        <ChatButton meeting={meeting} />
        <MoreButton meeting={meeting} onDialog={onDialog} />
        <button
          type="button"
          class="bar-button bar-leave"
          data-testid="leave-button"
          onClick={() => (meeting.isTransferring ? onDialog("leave") : meeting.leave())}
        >
          <Icon name="phone-off" />
          <span class="bar-label">{controls.leave}</span>
        </button>
      </section>
    </footer>
  );
}

/** Share, hand, files and people: in the bar where there is room, behind "more" on phones. */
function SecondaryButtons({ meeting }: { readonly meeting: Meeting }): JSX.Element {
  return (
    <>
      {secondaryActions(meeting).map((action) => (
        <BarButton key={action.testId} {...action} wide />
      ))}
    </>
  );
}

function secondaryActions(meeting: Meeting): readonly BarButtonProps[] {
  const { controls } = t.value;
  const { screen, hand } = meeting.local.value;
  const panel = meeting.panel.value;
  const sharing = screen !== undefined;
  const share: BarButtonProps = {
    icon: sharing ? "monitor-x" : "monitor-up",
    label: sharing ? controls.stopShare : controls.share,
    hint: "S",
    testId: "share-button",
    active: sharing,
    onClick: () => void meeting.toggleShare(),
  };
  return [
    ...(canShareScreen() ? [share] : []),
    {
      icon: "hand",
      label: hand ? controls.lowerHand : controls.raiseHand,
      hint: "R",
      testId: "hand-button",
      raised: hand,
      on: hand,
      onClick: () => meeting.toggleHand(),
    },
    {
      icon: "paperclip",
      label: controls.files,
      testId: "files-button",
      active: panel === "files",
      expanded: panel === "files",
      badge: offersBadge(meeting),
      onClick: () => meeting.togglePanel("files"),
    },
    {
      icon: "users",
      label: controls.people,
      hint: "P",
      testId: "people-button",
      active: panel === "people",
      expanded: panel === "people",
      onClick: () => meeting.togglePanel("people"),
    },
  ];
}

function ChatButton({ meeting }: { readonly meeting: Meeting }): JSX.Element {
  const { controls } = t.value;
  const unread = meeting.unread.value;
  const open = meeting.panel.value === "chat";
  return (
    <BarButton
      icon="message-square"
      label={controls.chat}
      hint="C"
      testId="chat-button"
      active={open}
      expanded={open}
      badge={
        unread === 0
          ? undefined
          : { text: unread > 99 ? "99+" : String(unread), label: controls.unread(unread), testId: "unread" }
      }
      onClick={() => meeting.togglePanel("chat")}
    />
  );
}

function MoreButton({ meeting, onDialog }: ControlsProps): JSX.Element {
  const popover = useRef<HTMLElement>(null);
  const { controls } = t.value;
  const badge = offersBadge(meeting);
  const item = (
    icon: IconName,
    label: string,
    action: () => void,
    testId: string,
    narrowOnly = false,
  ): JSX.Element => (
    <button
      key={testId}
      type="button"
      class={narrowOnly ? "menu-item narrow-only" : "menu-item"}
      data-testid={`menu-${testId}`}
      onClick={() => {
        popover.current?.hidePopover();
        action();
      }}
    >
      <Icon name={icon} />
      {label}
    </button>
  );
  return (
    <>
      <button type="button" class="bar-button bar-more" popovertarget="more-menu" data-testid="more-button">
        <Icon name="ellipsis" />
        <span class="bar-label">{controls.more}</span>
        {badge !== undefined && (
          <>
            <span class="bar-badge narrow-only" aria-hidden="true">
              {badge.text}
            </span>
            <span class="visually-hidden narrow-only">{badge.label}</span>
          </>
        )}
      </button>
      <section ref={popover} id="more-menu" class="menu" popover="auto">
        {secondaryActions(meeting).map((action) =>
          item(action.icon, action.label, action.onClick, action.testId, true),
        )}
        {item("user-plus", controls.invite, () => onDialog("invite"), "invite")}
        {item("settings", controls.settings, () => onDialog("settings"), "settings")}
        {item("keyboard", controls.shortcuts, () => onDialog("shortcuts"), "shortcuts")}
      </section>
    </>
  );
}

/** A number on a button, and what it means for those who do not see it. */
interface Badge {
  readonly text: string;
  readonly label: string;
  readonly testId: string;
}

function offersBadge(meeting: Meeting): Badge | undefined {
  const count = meeting.offers.value;
  if (count === 0) return undefined;
  return { text: String(count), label: t.value.controls.offered(count), testId: "offered" };
}

interface BarButtonProps {
  readonly icon: IconName;
  readonly label: string;
  readonly testId: string;
  readonly onClick: () => void;
  /** The key that does the same. */
  readonly hint?: string;
  /** A switch that is on or off. */
  readonly on?: boolean;
  /** A switch that is off although most people have it on. */
  readonly warn?: boolean;
  /** Its panel is open, or what it does is under way. */
  readonly active?: boolean;
  readonly expanded?: boolean;
  readonly raised?: boolean;
  /** Left out of the bar on phones. */
  readonly wide?: boolean;
  readonly badge?: Badge | undefined;
}

function BarButton(props: BarButtonProps): JSX.Element {
  const { icon, label, hint, on, warn, active, expanded, raised, wide, badge, testId, onClick } = props;
  const keys = preferences.value.singleKeys ? hint : undefined;
  return (
    <button
      type="button"
      class={wide === true ? "bar-button wide-only" : "bar-button"}
      data-testid={testId}
      data-on={on}
      data-warn={warn}
      data-active={active}
      data-raised={raised}
      aria-expanded={expanded}
      aria-keyshortcuts={keys}
      title={keys === undefined ? label : `${label} (${keys})`}
      onClick={({ currentTarget, detail }) => {
        // After a click with the mouse the button would keep the keyboard, and take Space from hold-to-talk: it would
        // press the button when released, and leave the microphone on.
        if (detail > 0) currentTarget.blur();
        onClick();
      }}
    >
      <Icon name={icon} />
      <span class="bar-label">{label}</span>
      {badge !== undefined && (
        <>
          <span class="bar-badge" aria-hidden="true" data-testid={badge.testId}>
            {badge.text}
          </span>
          <span class="visually-hidden">{badge.label}</span>
        </>
      )}
    </button>
  );
}

function canShareScreen(): boolean {
  const { mediaDevices } = navigator;
  // Absent in insecure contexts, and getDisplayMedia on phones, whatever their types say.
  return mediaDevices !== undefined && typeof mediaDevices.getDisplayMedia === "function";
}
