import { describe, test } from "vitest";

/**
 * A group of tests that needs something of the machine. Where it is missing the group is skipped with the reason;
 * under CI, where everything was to be installed, that is a failure.
 *
 * @param missing - Why the group cannot run here; undefined when it can.
 */
export function describeWith(missing: string | undefined, name: string, define: () => void): void {
  if (missing === undefined) {
    describe(name, define);
    return;
  }
  test(name, ({ skip }) => {
    if (isCi()) throw new Error(missing);
    skip(missing);
  });
}

function isCi(): boolean {
  return /^(1|true)$/i.test(process.env["CI"] ?? "");
}
