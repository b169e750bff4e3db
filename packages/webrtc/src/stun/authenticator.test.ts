import { expect, test } from "vitest";
import { fromHex } from "../bytes/index.ts";
import { nodeCrypto } from "../node/crypto.ts";
import {
  decodeStunMessage,
  NO_AUTHENTICATION,
  ShortTermAuthenticator,
  type StunMessage,
  StunMessageBuilder,
  StunMethod,
  shortTermKey,
  USERNAME,
} from "./index.ts";

const KEY = nodeCrypto.createHmac("sha-1", shortTermKey("VOkJxbRl1RmTxUk/WvJxBt"));
const OTHER_KEY = nodeCrypto.createHmac("sha-1", shortTermKey("another"));
const SHORT_TERM = new ShortTermAuthenticator("evtj:h6vY", KEY);

function build(fill: (builder: StunMessageBuilder) => unknown): StunMessage {
  const builder = new StunMessageBuilder().start(
    "success",
    StunMethod.binding,
    fromHex("0102030405060708090a0b0c"),
  );
  fill(builder);
  return decodeStunMessage(builder.finish());
}

test("short-term credentials are a name and a MAC", () => {
  const message = build((builder) => SHORT_TERM.authenticate(builder));
  expect(message.get(USERNAME)).toBe("evtj:h6vY");
  expect(message.checkIntegrity(KEY)).toBe("valid");
});

test("an answer is believed when it was made with the same key, also when it is an error", () => {
  expect(SHORT_TERM.accepts(build((builder) => builder.addIntegrity(KEY)))).toBe(true);
  expect(SHORT_TERM.accepts(build((builder) => builder.addIntegrity(OTHER_KEY)))).toBe(false);
  expect(SHORT_TERM.accepts(build(() => undefined))).toBe(false);
});

test("without credentials nothing is added and every answer is believed", () => {
  expect(build((builder) => NO_AUTHENTICATION.authenticate(builder)).attributeTypes).toEqual([]);
  expect(
    NO_AUTHENTICATION.accepts(
      build(() => undefined),
      undefined,
    ),
  ).toBe(true);
});
