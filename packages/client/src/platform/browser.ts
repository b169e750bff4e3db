import type { ClientPlatform } from "./platform.ts";

/** The browser's part of {@link ClientPlatform}. Nothing of the browser is touched before it is used. */
export function createBrowserPlatform(): ClientPlatform {
  return {
    now: () => performance.now(),
    wallClock: () => Date.now(),
    setTimer(callback, delayMs) {
      // A delay beyond 2³¹−1 ms makes setTimeout fire at once.
      const id = setTimeout(callback, Math.min(Math.max(0, delayMs), 0x7fff_ffff));
      return { cancel: () => clearTimeout(id) };
    },
    random: () => Math.random(),
    createId: createRandomId,
    createWebSocket: (url, protocol) => new WebSocket(url, protocol),
    createPeerConnection: (configuration) => new RTCPeerConnection(configuration),
    createMediaStream: (tracks) => new MediaStream([...(tracks ?? [])]),
    get mediaDevices() {
      return globalThis.navigator?.mediaDevices;
    },
    get isSecureContext() {
      return globalThis.isSecureContext === true;
    },
    get origin() {
      return globalThis.location?.origin;
    },
    onNetworkChange,
    onPageLeave,
  };
}

/** 128 random bits. `crypto.randomUUID` exists in secure contexts only, `getRandomValues` everywhere. */
function createRandomId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
}

function onNetworkChange(listener: () => void): () => void {
  const connection = networkInformation();
  let type = typeOf(connection);
  // It fires at every new estimate of the bandwidth, too. A browser that tells no type is left to `online`.
  const onChange = (): void => {
    const before = type;
    type = typeOf(connection);
    if (type !== before && type !== undefined) listener();
  };
  globalThis.addEventListener?.("online", listener);
  connection?.addEventListener("change", onChange);
  return () => {
    globalThis.removeEventListener?.("online", listener);
    connection?.removeEventListener("change", onChange);
  };
}

/** `wifi`, `cellular` and so on. */
function typeOf(connection: EventTarget | undefined): unknown {
  return connection && Reflect.get(connection, "type");
}

/** `navigator.connection` (Network Information API): Chromium only, not in TypeScript's DOM library. */
function networkInformation(): EventTarget | undefined {
  const connection: unknown = Reflect.get(globalThis.navigator ?? {}, "connection");
  return connection instanceof EventTarget ? connection : undefined;
}

function onPageLeave(listener: () => void): () => void {
  // Not for pages that go to the back-forward cache: those come back.
  const onPageHide = (event: PageTransitionEvent): void => {
    if (!event.persisted) listener();
  };
  globalThis.addEventListener?.("pagehide", onPageHide);
  return () => globalThis.removeEventListener?.("pagehide", onPageHide);
}
