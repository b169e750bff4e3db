import { IpAddress } from "@naru/webrtc/bytes";

/** Text of an address, as it comes in candidates and headers: what is accepted reads back as the same address. */
export function target(bytes: Uint8Array): void {
  const address = IpAddress.parse(new TextDecoder().decode(bytes));
  if (address === undefined) return;
  const again = IpAddress.parse(address.toString());
  if (again === undefined || !again.equals(address)) throw new Error(`${address} does not read back`);
}
