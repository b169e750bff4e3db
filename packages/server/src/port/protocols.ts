/**
 * What a TCP connection may speak. A client of every one of these protocols speaks first, and its first byte
 * tells which it is.
 */
export interface StreamProtocol<Name extends string = string> {
  readonly name: Name;
  /** Whether a connection of this protocol begins with this byte. No two protocols of one list share a byte. */
  matches(firstByte: number): boolean;
}

/** RFC 8446 §5.1: the content type of a handshake record, which a ClientHello is. */
const TLS_HANDSHAKE = 0x16;

/** TLS, on which one of the other protocols follows. */
export const TLS: StreamProtocol<"tls"> = {
  name: "tls",
  matches: (firstByte) => firstByte === TLS_HANDSHAKE,
};

/**
 * STUN and TURN. RFC 8489 §5: a message begins with two zero bits; RFC 7983 §7 gives it the bytes 0 to 3. ChannelData (64 to
 * 79) needs no place here, although it shares letters with HTTP: a connection begins with an Allocate request.
 */
export const STUN: StreamProtocol<"stun"> = {
  name: "stun",
  matches: (firstByte) => firstByte <= 3,
};

/** HTTP/1.1, and the WebSocket that begins as it. RFC 9110 §9.1: methods of the standard are upper-case letters. */
export const HTTP: StreamProtocol<"http"> = {
  name: "http",
  matches: (firstByte) => firstByte >= 0x41 && firstByte <= 0x5a,
};
