import { expect, test } from "vitest";
import type { Language } from "../http/languages.ts";
import { checkNode } from "./machine.ts";
import { DOCTOR_WORDS } from "./words.ts";

test.each(["en", "ko"] as const)(
  "every finding has its sentence, and what fails its way out, in %s",
  (language: Language) => {
    for (const [code, { text, fix }] of Object.entries(DOCTOR_WORDS[language].findings)) {
      expect(text({}), code).not.toBe("");
      if (!/_OK$|_OFF$|_OWN$|^PORTS_|_MISSING$/.test(code)) expect(fix, code).toBeDefined();
    }
  },
);

test("the oldest version of Node that serves is told from those that do not", () => {
  expect(checkNode("20.19.0").code).toBe("NODE_OK");
  expect(checkNode("24.0.1").code).toBe("NODE_OK");
  expect(checkNode("20.18.3")).toMatchObject({ status: "fail", code: "NODE_TOO_OLD" });
  expect(checkNode("18.20.4").code).toBe("NODE_TOO_OLD");
});
