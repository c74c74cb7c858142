import { writeFileSync } from "node:fs";
import { relative } from "node:path";

/**
 * A reporter of vitest: writes to the file that `TEST_REPORT` names what `test-report.mjs` counts and lists.
 * vitest's own JSON knows neither errors of hooks nor unhandled errors.
 */
export default class VitestReport {
  /** @param {import("vitest/node").Vitest} vitest */
  onInit(vitest) {
    this.root = vitest.config.root;
  }

  /**
   * @param {readonly import("vitest/node").TestModule[]} modules
   * @param {readonly import("vitest").SerializedError[]} unhandledErrors
   */
  onTestRunEnd(modules, unhandledErrors) {
    const report = { passed: 0, failed: 0, skipped: 0, failures: [], files: [] };
    const fail = (
      /** @type {string} */ file,
      /** @type {string} */ name,
      /** @type {readonly any[]} */ errors,
    ) =>
      report.failures.push({ file, name, message: errors.map((error) => this.describe(error)).join("\n") });

    for (const module of modules) {
      const file = relative(this.root, module.moduleId);
      if (module.errors().length > 0) fail(file, "(the file itself)", module.errors());
      for (const suite of module.children.allSuites()) {
        if (suite.errors().length > 0) fail(file, `${suite.fullName} (a hook)`, suite.errors());
      }
      for (const test of module.children.allTests()) {
        const { state, errors } = test.result();
        if (state === "passed") report.passed += 1;
        else if (state === "failed") report.failed += 1;
        else report.skipped += 1;
        if (state === "failed") fail(file, test.fullName, errors);
      }
      const { duration, collectDuration } = module.diagnostic();
      report.files.push({ file, testsMs: Math.round(duration), importMs: Math.round(collectDuration) });
    }
    for (const error of unhandledErrors) fail("", "(an unhandled error)", [error]);
    writeFileSync(process.env.TEST_REPORT, JSON.stringify(report));
  }

  /** @param {any} error As vitest has it: with `diff` and the parsed `stacks`. */
  describe({ name, message, diff, stacks }) {
    const at = stacks?.find(({ file }) => !relative(this.root, file).startsWith(".."));
    return [
      name && !String(message).startsWith(name) ? `${name}: ${message}` : message,
      at && `at ${relative(this.root, at.file)}:${at.line}:${at.column}`,
      diff,
    ]
      .filter(Boolean)
      .join("\n");
  }
}
