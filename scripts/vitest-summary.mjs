/**
 * Vitest reporter for `scripts/test.mjs`: writes what has happened so far to the file named by NARU_TEST_SUMMARY,
 * after every test file, so that a stage that had to be stopped is still counted.
 */
import { writeFileSync } from "node:fs";

export default class SummaryReporter {
  #modules = [];

  onTestRunStart() {
    this.#write([], false);
  }

  onTestModuleEnd(module) {
    this.#modules.push(module);
    this.#write([], false);
  }

  onTestRunEnd(modules, unhandledErrors) {
    this.#modules = [...modules];
    this.#write(unhandledErrors, true);
  }

  #write(unhandledErrors, finished) {
    const summary = { passed: 0, failed: unhandledErrors.length, skipped: 0, reasons: [], finished };
    for (const module of this.#modules) {
      // What breaks outside a test (an import, a beforeAll) leaves tests that never ran: it is a failure itself.
      summary.failed += module.errors().length;
      for (const suite of module.children.allSuites()) summary.failed += suite.errors().length;
      for (const test of module.children.allTests()) {
        const result = test.result();
        if (result.state === "passed") summary.passed++;
        else if (result.state === "skipped") {
          summary.skipped++;
          summary.reasons.push(result.note ?? `${test.fullName}: marked as skipped`);
        } else summary.failed++;
      }
    }
    writeFileSync(process.env.NARU_TEST_SUMMARY, JSON.stringify(summary));
  }
}
