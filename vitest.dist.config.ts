import { availableParallelism } from "node:os";
import { configDefaults, defineConfig, type TestProjectInlineConfiguration } from "vitest/config";
import { notForThisNode } from "./vitest.node.ts";

/** Files whose tests count on modules that no other file has loaded: the adapters' clients keep state of their own. */
const apart = ["packages/{axios,undici}/test/**/*.test.ts"];

const project = (
  name: string,
  test: NonNullable<TestProjectInlineConfiguration["test"]>,
): TestProjectInlineConfiguration => ({
  // As long as on the sources.
  test: { name, testTimeout: 300_000, hookTimeout: 300_000, expect: { poll: { timeout: 60_000 } }, ...test },
});

/** Runs the same suites on what is built and published. */
export default defineConfig({
  test: {
    // vitest leaves a core free; on a machine of two that would be one worker.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    // As on the sources.
    maxConcurrency: 12,
    projects: [
      // Loading everything anew for each file takes longer than the tests; the run on the sources does.
      project("together", {
        isolate: false,
        include: ["packages/*/test/**/*.test.ts"],
        exclude: [...configDefaults.exclude, ...notForThisNode, ...apart],
      }),
      project("apart", {
        include: [...apart, "apps/*/test/**/*.test.ts", "testing/*/test/**/*.test.ts"],
        // What a browser shows does not depend on the build; once, on the sources, is enough.
        exclude: [...configDefaults.exclude, ...notForThisNode, "apps/partner-portal/test/browser-*.test.ts"],
      }),
    ],
  },
});
