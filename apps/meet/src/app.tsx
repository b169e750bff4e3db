import type { JSX } from "preact";
import { useErrorBoundary } from "preact/hooks";
import { LiveRegion } from "./components/live-region.tsx";
import { route } from "./router.ts";
import { Broken } from "./views/broken.tsx";
import { CheckView } from "./views/check.tsx";
import { Landing } from "./views/landing.tsx";
import { RoomView } from "./views/room.tsx";
import { Unsupported } from "./views/unsupported.tsx";

/** The page. */
export function App(): JSX.Element {
  return (
    <>
      <Page />
      <LiveRegion />
    </>
  );
}

function Page(): JSX.Element {
  // What is on the screen is taken away, so a call is left and its devices are off.
  const [error] = useErrorBoundary((caught) => reportError(caught));
  return error === undefined ? <View /> : <Broken />;
}

function View(): JSX.Element {
  const current = route.value;
  if (current.page === "check") return <CheckView />;
  if (current.page !== "room") return <Landing notFound={current.page === "notFound"} />;
  if (typeof RTCPeerConnection === "undefined") return <Unsupported />;
  return <RoomView key={current.room} name={current.room} />;
}
