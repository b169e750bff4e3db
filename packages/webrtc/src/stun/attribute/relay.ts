import type { IpFamily } from "../../bytes/index.ts";
import { readUint16, readUint32, writeUint16, writeUint32 } from "../../bytes/index.ts";
import type { StunAttribute } from "./attribute.ts";
import { decodeErrorValue, encodeErrorValue, errorValueSize, type StunErrorValue } from "./error-code.ts";

/** Family numbers of REQUESTED-ADDRESS-FAMILY (RFC 8656 §18.6). */
const FAMILY_IPV4 = 0x01;
const FAMILY_IPV6 = 0x02;

/**
 * An address family and 24 reserved bits (RFC 8656 §18.6).
 *
 * |   Family      |            Reserved, sent as 0                |
 */
function familyAttribute(type: number, name: string): StunAttribute<IpFamily> {
  return {
    type,
    name,
    size: () => 4,
    encode: (value, target, offset) => writeUint32(target, offset, encodeFamily(value) << 24),
    decode: (bytes, offset, length) => (length === 4 ? decodeFamily(bytes[offset]!) : undefined),
  };
}

function encodeFamily(family: IpFamily): number {
  return family === 4 ? FAMILY_IPV4 : FAMILY_IPV6;
}

function decodeFamily(value: number): IpFamily | undefined {
  return value === FAMILY_IPV4 ? 4 : value === FAMILY_IPV6 ? 6 : undefined;
}

/** The family wanted for the relayed address (RFC 8656 §18.6). */
export const REQUESTED_ADDRESS_FAMILY: StunAttribute<IpFamily> = familyAttribute(
  0x0017,
  "REQUESTED-ADDRESS-FAMILY",
);
/** Ask for a second relayed address, of this family (RFC 8656 §18.11). */
export const ADDITIONAL_ADDRESS_FAMILY: StunAttribute<IpFamily> = familyAttribute(
  0x8000,
  "ADDITIONAL-ADDRESS-FAMILY",
);

/**
 * The protocol between relay and peer (RFC 8656 §18.8): 17 = UDP, 6 = TCP (RFC 6062 §4.1).
 *
 * |    Protocol   |            Reserved, sent as 0                |
 */
export const REQUESTED_TRANSPORT: StunAttribute<number> = {
  type: 0x0019,
  name: "REQUESTED-TRANSPORT",
  size: () => 4,
  encode: (value, target, offset) => writeUint32(target, offset, value << 24),
  decode: (bytes, offset, length) => (length === 4 ? bytes[offset] : undefined),
};

/**
 * Ask for an even port; true reserves the next higher one too (RFC 8656 §18.7).
 *
 * |R|  Reserved   |
 */
export const EVEN_PORT: StunAttribute<boolean> = {
  type: 0x0018,
  name: "EVEN-PORT",
  size: () => 1,
  encode(value, target, offset) {
    target[offset] = value ? 0x80 : 0;
  },
  decode: (bytes, offset, length) => (length === 1 ? (bytes[offset]! & 0x80) !== 0 : undefined),
};

/** Why one family of a dual allocation was refused. */
export interface AddressErrorValue extends StunErrorValue {
  readonly family: IpFamily;
}

/** The error of one family in an otherwise successful dual allocation (RFC 8656 §18.12). */
export const ADDRESS_ERROR_CODE: StunAttribute<AddressErrorValue> = {
  type: 0x8001,
  name: "ADDRESS-ERROR-CODE",
  size: errorValueSize,
  encode(value, target, offset) {
    encodeErrorValue(value, target, offset);
    target[offset] = encodeFamily(value.family);
  },
  decode(bytes, offset, length) {
    const error = decodeErrorValue(bytes, offset, length);
    const family = length === 0 ? undefined : decodeFamily(bytes[offset]!);
    return error === undefined || family === undefined ? undefined : { ...error, family };
  },
};

/** An ICMP error that a packet of the client met behind the relay. */
export interface IcmpValue {
  /** ICMP or ICMPv6 type. */
  readonly icmpType: number;
  readonly icmpCode: number;
  /** What the type adds, for example the MTU. */
  readonly errorData: number;
}

/**
 * In a Data indication instead of DATA (RFC 8656 §18.13).
 *
 * |  Reserved                     |  ICMP Type  |  ICMP Code      |
 * |                          Error Data                           |
 */
export const ICMP: StunAttribute<IcmpValue> = {
  type: 0x8004,
  name: "ICMP",
  size: () => 8,
  encode(value, target, offset) {
    // RFC 8656 §18.13 draws 7 bits of type and 9 of code.
    writeUint16(target, offset, 0);
    writeUint16(target, offset + 2, ((value.icmpType & 0x7f) << 9) | (value.icmpCode & 0x1ff));
    writeUint32(target, offset + 4, value.errorData);
  },
  decode(bytes, offset, length) {
    if (length !== 8) return undefined;
    const bits = readUint16(bytes, offset + 2);
    return { icmpType: bits >> 9, icmpCode: bits & 0x1ff, errorData: readUint32(bytes, offset + 4) };
  },
};
