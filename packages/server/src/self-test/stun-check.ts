import { IpAddress, TransportAddress } from "@naru/webrtc/bytes";
import { UdpDriver } from "@naru/webrtc/driver";
import type { Platform } from "@naru/webrtc/platform";
import { SILENT_LOGGER } from "@naru/webrtc/sansio";
import { StunClient, type StunClientEvent, StunMethod, XOR_MAPPED_ADDRESS } from "@naru/webrtc/stun";

/** Three sends within 2.1 s: on one machine an answer takes a millisecond, on a busy one some more. */
const TRANSACTION = { rtoMs: 300, maxSends: 3, lastWaitFactor: 4 };

/** A driver numbers its sockets from 1, and this one opens a single one. */
const FIRST_SOCKET = 1;

/**
 * Sends a Binding request to a STUN server, over real sockets, and looks whether it saw what was sent from.
 *
 * @param source - Address to send from, which is then the one that the server has to see; the system's choice when left out.
 * @returns what is wrong, in words; undefined when all is well.
 */
export async function checkStun(
  platform: Platform,
  host: string,
  port: number,
  source?: IpAddress,
): Promise<string | undefined> {
  const ip = IpAddress.parse(host);
  if (ip === undefined) return `${host} is not an address`;
  const { crypto, random } = platform;
  let settle: (outcome: StunClientEvent | Error) => void = () => undefined;
  const outcome = new Promise<StunClientEvent | Error>((resolve) => {
    settle = resolve;
  });
  const client = new StunClient(
    { crypto, random, log: SILENT_LOGGER },
    { server: new TransportAddress(ip, port), socket: FIRST_SOCKET, transaction: TRANSACTION },
  );
  const driver = new UdpDriver<StunClientEvent>(platform, client, {
    handleEvent: (event) => settle(event),
    handleError: (error) => settle(error),
  });
  try {
    const any = IpAddress.fromBytes(new Uint8Array(ip.bytes.length));
    await driver.bind({ address: source ?? any, port: 0 });
    client.request({ method: StunMethod.binding }, platform.now());
    driver.pump();
    const event = await outcome;
    if (event instanceof Error) return event.message;
    if (event.type === "failure") return event.reason === "timeout" ? "no answer" : event.reason;
    const seen = event.response.get(XOR_MAPPED_ADDRESS);
    if (seen === undefined) return "the answer has no address";
    return source === undefined || seen.ip.equals(source) ? undefined : "the server saw another address";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    driver.close();
  }
}
