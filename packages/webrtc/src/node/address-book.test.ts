import { expect, test } from "vitest";
import { AddressBook } from "./address-book.ts";

/** More than two generations. */
const MANY = 40_000;

test("an address stays the same object while it is seen", () => {
  const book = new AddressBook();
  const first = book.lookup("192.0.2.1", 5000);
  expect(first?.toString()).toBe("192.0.2.1:5000");
  for (let port = 0; port < MANY; port++) {
    book.lookup("198.51.100.7", port);
    if (port % 1000 === 0) expect(book.lookup("192.0.2.1", 5000)).toBe(first);
  }
});

test("an address that is not seen any more is forgotten, however many come from one host", () => {
  const book = new AddressBook();
  const first = book.lookup("192.0.2.1", 1);
  for (let port = 2; port < MANY; port++) book.lookup("192.0.2.1", port);
  const again = book.lookup("192.0.2.1", 1);
  expect(again).not.toBe(first);
  expect(again?.toString()).toBe("192.0.2.1:1");
});

test("text that is no address has none", () => {
  expect(new AddressBook().lookup("localhost", 1)).toBeUndefined();
});
