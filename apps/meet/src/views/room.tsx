import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { followDevices } from "../media/devices.ts";
import { exposeRoom } from "../meeting/console.ts";
import { Meeting } from "../meeting/meeting.ts";
import { preferences, remember, setTitle, urlOptions } from "../store.ts";
import { Left } from "./left.tsx";
import { Lobby } from "./lobby.tsx";
import { MeetingView } from "./meeting.tsx";
import { PreJoin } from "./pre-join.tsx";

/** One room, from the preview to the farewell. */
export function RoomView({ name }: { readonly name: string }): JSX.Element {
  const [meeting, setMeeting] = useState(() => new Meeting(name));
  useEffect(() => setTitle(name), [name]);
  useEffect(followDevices, []);
  useEffect(() => {
    exposeRoom(meeting.room);
    const { join, name: urlName } = urlOptions.peek();
    const joinName = urlName ?? preferences.peek().name;
    void start(meeting, join && joinName !== "" ? joinName : undefined);
    return () => {
      exposeRoom(undefined);
      meeting.leave();
    };
  }, [meeting]);

  function joinAgain(): void {
    // Only the first visit joins by itself: whoever left wants to see the preview.
    urlOptions.value = { ...urlOptions.peek(), join: false };
    setMeeting(new Meeting(name));
  }

  if (meeting.closed.value !== undefined) {
    return <Left reason={meeting.closed.value} onJoinAgain={joinAgain} />;
  }
  switch (meeting.state.value) {
    case "idle":
      return <PreJoin meeting={meeting} onJoin={(joinName) => void join(meeting, joinName)} />;
    case "connecting":
    case "lobby":
      return <Lobby meeting={meeting} />;
    case "connected":
    case "reconnecting":
      return <MeetingView meeting={meeting} />;
    case "closed":
      return <Left reason={{ code: "LEFT", message: "" }} onJoinAgain={joinAgain} />;
    default:
      return meeting.state.value satisfies never;
  }
}

async function start(meeting: Meeting, name: string | undefined): Promise<void> {
  if (name === undefined) return meeting.prepare(false);
  await Promise.all([meeting.prepare(true), meeting.join(name)]);
}

async function join(meeting: Meeting, name: string): Promise<void> {
  remember({ name });
  await meeting.join(name);
}
