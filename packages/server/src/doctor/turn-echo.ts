import { randomBytes } from "node:crypto";
import type { TransportAddress } from "@naru/webrtc/bytes";
import { runTurnAllocation, type TurnDriver } from "@naru/webrtc/driver";
import type { Platform } from "@naru/webrtc/platform";
import type { TurnTransport } from "@naru/webrtc/turn";

/** Where to relay, and as whom. */
export interface TurnEchoOptions {
  readonly server: TransportAddress;
  readonly transport: TurnTransport;
  /** The name its certificate has to be for. */
  readonly serverName: string;
  /** Certificates to trust beside the system's, PEM. */
  readonly ca: readonly string[];
  readonly username: string;
  readonly password: string;
}

/** How far it came. */
export type TurnEchoResult =
  | { readonly ok: true; readonly relayed: string; readonly rttMs: number }
  | {
      readonly ok: false;
      readonly stage: "connect" | "allocate" | "echo";
      readonly reason: string;
      readonly problem: string;
      readonly relayed: string | undefined;
    };

/** For everything: a slow line needs a second for each of a handful of round trips. */
const TIMEOUT_MS = 8_000;
/** A datagram may get lost. */
const REPEAT_MS = 250;

/** Three sends within a second and a half. */
const TRANSACTION = { rtoMs: 250, maxSends: 4, lastWaitFactor: 4 };

const ECHO_BYTES = 64;

/**
 * Makes two allocations on a TURN server over the same kind of transport, lets each send to the other, and measures how long a
 * packet takes from one through the relay to the other and back: allocation, permission and echo.
 */
export async function checkTurnEcho(platform: Platform, options: TurnEchoOptions): Promise<TurnEchoResult> {
  const ends: TurnDriver[] = [];
  let timer: NodeJS.Timeout | undefined;
  let repeat: NodeJS.Timeout | undefined;
  try {
    return await new Promise<TurnEchoResult>((resolve) => {
      const payload = new Uint8Array(randomBytes(ECHO_BYTES));
      const relayed: (TransportAddress | undefined)[] = [undefined, undefined];
      const isSame = (bytes: Uint8Array): boolean => payload.every((byte, i) => bytes[i] === byte);
      let sentAt = 0;
      const fail = (stage: "connect" | "allocate" | "echo", reason: string, problem: string): void =>
        resolve({ ok: false, stage, reason, problem, relayed: relayed[0]?.toString() });
      const begin = (): void => {
        const [near, far] = relayed;
        if (near === undefined || far === undefined) return;
        const send = (): void => {
          // The far end's own packet opens its side of the relay for the near one.
          ends[1]?.send(near, new Uint8Array([0]));
          sentAt = performance.now();
          ends[0]?.send(far, payload);
        };
        send();
        repeat = setInterval(send, REPEAT_MS);
      };
      timer = setTimeout(() => {
        if (relayed[0] !== undefined && relayed[1] !== undefined) fail("echo", "no-echo", "no echo");
        else fail("allocate", "no-answer", "no answer");
      }, TIMEOUT_MS);
      for (const index of [0, 1]) {
        ends[index] = runTurnAllocation(
          platform,
          {
            server: options.server,
            transport: options.transport,
            ...(options.transport === "tls" && { serverName: options.serverName, ca: options.ca }),
            credentials: { username: options.username, password: options.password },
            transaction: TRANSACTION,
            connectTimeoutMs: 4_000,
          },
          {
            handleEvent(event) {
              switch (event.type) {
                case "allocated":
                  relayed[index] = event.relayedAddresses[0];
                  begin();
                  return;
                case "permissionRefused":
                  fail(
                    "echo",
                    "forbidden",
                    `permission refused with ${event.error.code} ${event.error.reason}`,
                  );
                  return;
                case "closed":
                  fail(
                    event.end.reason === "unreachable" ? "connect" : "allocate",
                    event.end.reason,
                    event.end.message,
                  );
                  return;
                default:
                  return;
              }
            },
            handleData({ peer, bytes }) {
              if (!isSame(bytes)) return;
              if (index === 1) ends[1]?.send(peer, payload);
              else {
                const rttMs = Math.round((performance.now() - sentAt) * 10) / 10;
                resolve({ ok: true, relayed: `${relayed[0]}`, rttMs });
              }
            },
            handleError: (error) => fail("allocate", "bug", error.message),
          },
        );
      }
    });
  } finally {
    clearTimeout(timer);
    clearInterval(repeat);
    for (const end of ends) end.close();
    // The release of the allocations is on its way; what does not get through expires.
    setTimeout(() => {
      for (const end of ends) end.destroy();
    }, 500).unref();
  }
}
