import { readUint16, readUint32 } from "../bytes/index.ts";
import type { TransportProtocol } from "./packet.ts";

const STUN_MAGIC_COOKIE = 0x2112_a442;

/** RFC 8489 §18.2 and RFC 8656 §17: method numbers. */
const STUN_METHODS = new Map<number, string>([
  [0x001, "Binding"],
  [0x003, "Allocate"],
  [0x004, "Refresh"],
  [0x006, "Send"],
  [0x007, "Data"],
  [0x008, "CreatePermission"],
  [0x009, "ChannelBind"],
  [0x00a, "Connect"],
  [0x00b, "ConnectionBind"],
  [0x00c, "ConnectionAttempt"],
]);

/** RFC 8489 §5: the two class bits. */
const STUN_CLASSES = ["request", "indication", "success", "error"] as const;

/** RFC 9147 §4 and RFC 6347 §4.1: content types. */
const DTLS_CONTENT_TYPES = new Map<number, string>([
  [20, "ChangeCipherSpec"],
  [21, "Alert"],
  [22, "Handshake"],
  [23, "ApplicationData"],
  [24, "Heartbeat"],
  [26, "ACK"],
]);

/** RFC 8446 §4 and RFC 6347 §4.3.2: handshake types, which are in the clear while the epoch is 0. */
const HANDSHAKE_TYPES = new Map<number, string>([
  [1, "ClientHello"],
  [2, "ServerHello"],
  [3, "HelloVerifyRequest"],
  [4, "NewSessionTicket"],
  [8, "EncryptedExtensions"],
  [11, "Certificate"],
  [12, "ServerKeyExchange"],
  [13, "CertificateRequest"],
  [14, "ServerHelloDone"],
  [15, "CertificateVerify"],
  [16, "ClientKeyExchange"],
  [20, "Finished"],
]);

/**
 * Names a payload by its first bytes, as RFC 7983 §7 tells the protocols of one socket apart. It reads only what it
 * needs for a line of text and never fails.
 */
export function describePayload(bytes: Uint8Array, _protocol: TransportProtocol): string {
  const first = bytes[0];
  if (first === undefined) return "empty";
  if (first <= 3) return describeStun(bytes, 0) ?? "data";
  if (first >= 20 && first <= 63) return describeDtls(bytes);
  if (first >= 64 && first <= 79 && bytes.length >= 4)
    return `TURN channel 0x${readUint16(bytes, 0).toString(16)}`;
  if (first >= 128 && first <= 191 && bytes.length >= 8) return describeRtp(bytes);
  return "data";
}

function describeStun(bytes: Uint8Array, offset: number): string | undefined {
  if (bytes.length < offset + 20 || readUint32(bytes, offset + 4) !== STUN_MAGIC_COOKIE) return undefined;
  const type = readUint16(bytes, offset);
  // RFC 8489 §5, figure 3: the class bits C1 and C0 sit at 0x100 and 0x010 among the method bits.
  const method = (type & 0x000f) | ((type & 0x00e0) >> 1) | ((type & 0x3e00) >> 2);
  const kind = STUN_CLASSES[((type & 0x100) >> 7) | ((type & 0x010) >> 4)];
  return `STUN ${STUN_METHODS.get(method) ?? `method 0x${method.toString(16)}`} ${kind}`;
}

function describeDtls(bytes: Uint8Array): string {
  const first = bytes[0]!;
  // RFC 9147 §4: 001 in the top bits is the unified header of encrypted DTLS 1.3 records.
  if (first >= 32 && first <= 63) return "DTLS 1.3 encrypted";
  const name = DTLS_CONTENT_TYPES.get(first);
  if (name === undefined || bytes.length < 13) return "DTLS";
  const epoch = readUint16(bytes, 3);
  if (first !== 22 || epoch !== 0 || bytes.length < 14)
    return epoch === 0 ? `DTLS ${name}` : `DTLS ${name} encrypted`;
  return `DTLS ${HANDSHAKE_TYPES.get(bytes[13]!) ?? `handshake ${bytes[13]}`}`;
}

function describeRtp(bytes: Uint8Array): string {
  const packetType = bytes[1]!;
  // RFC 5761 §4: packet types 192 to 223 are RTCP.
  if (packetType >= 192 && packetType <= 223) return `RTCP ${packetType}`;
  if (bytes.length < 12) return "data";
  const ssrc = readUint32(bytes, 8).toString(16).padStart(8, "0");
  return `RTP ${packetType & 0x7f} seq ${readUint16(bytes, 2)} ssrc ${ssrc}`;
}
