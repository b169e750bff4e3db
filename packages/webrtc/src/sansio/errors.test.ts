import { expect, test } from "vitest";
import { AssertionError, assert, InvalidStateError, ProtocolError, RequestError } from "./index.ts";

class SampleError extends ProtocolError {
  override readonly name = "SampleError";
  readonly code = "ERR_SAMPLE";
}

test("a protocol error names the rule that was broken", () => {
  const cause = new Error("below");
  const error = new SampleError("length is 3, expected 4", "RFC 8489 §5", { cause });
  expect(error).toBeInstanceOf(Error);
  expect(error).toMatchObject({
    message: "length is 3, expected 4 (RFC 8489 §5)",
    reference: "RFC 8489 §5",
    cause,
  });
  expect(new SampleError("no rule").message).toBe("no rule");
});

test("a refusal carries the status the other side gave", () => {
  expect(new RequestError(401, "Unauthenticated")).toMatchObject({
    status: 401,
    message: "the other side answered 401: Unauthenticated",
  });
  expect(new RequestError(500, "").message).toBe("the other side answered 500");
});

test("a broken assertion says whose bug it is", () => {
  expect(() => assert(true, "fine")).not.toThrow();
  expect(() => assert(false, "the queue is empty")).toThrow(
    new AssertionError("the queue is empty; this is a bug in @naru/webrtc, please report it"),
  );
});

test("errors are told apart by name", () => {
  const names = [new SampleError("").name, new InvalidStateError("").name, new RequestError(400, "").name];
  expect(names).toEqual(["SampleError", "InvalidStateError", "RequestError"]);
});
