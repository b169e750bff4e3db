import { expect, test } from "vitest";
import { decodeMessageClass, decodeMessageMethod, encodeMessageType, StunMethod } from "./message-type.ts";

/** The function of RFC 8489 Appendix A, as printed. */
function typeOfAppendixA(method: number, cls: number): number {
  return (
    ((method & 0x1f80) << 2) |
    ((method & 0x0070) << 1) |
    (method & 0x000f) |
    ((cls & 0x0002) << 7) |
    ((cls & 0x0001) << 4)
  );
}

test("every method and class is encoded as RFC 8489 Appendix A has it, and reads back", () => {
  for (const [bits, messageClass] of (["request", "indication", "success", "error"] as const).entries()) {
    for (let method = 0; method <= 0xfff; method++) {
      const type = encodeMessageType(messageClass, method);
      expect(type).toBe(typeOfAppendixA(method, bits));
      expect(decodeMessageClass(type)).toBe(messageClass);
      expect(decodeMessageMethod(type)).toBe(method);
    }
  }
});

test("the four types of Binding are the well-known ones", () => {
  expect(encodeMessageType("request", StunMethod.binding)).toBe(0x0001);
  expect(encodeMessageType("indication", StunMethod.binding)).toBe(0x0011);
  expect(encodeMessageType("success", StunMethod.binding)).toBe(0x0101);
  expect(encodeMessageType("error", StunMethod.binding)).toBe(0x0111);
});

test.each([-1, 0x1000, 1.5, Number.NaN])("method %d does not fit and is refused", (method) => {
  expect(() => encodeMessageType("request", method)).toThrow(RangeError);
});
