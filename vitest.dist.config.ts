import { availableParallelism } from "node:os";
import { configDefaults, defineConfig } from "vitest/config";
import { notForThisNode } from "./vitest.node.ts";

/** Runs the same suites on what is built and published. */
export default defineConfig({
  test: {
    include: ["packages/*/test/**/*.test.ts", "apps/*/test/**/*.test.ts", "testing/*/test/**/*.test.ts"],
    // What a browser shows does not depend on the build; once, on the sources, is enough.
    exclude: [...configDefaults.exclude, ...notForThisNode, "apps/partner-portal/test/browser.test.ts"],
    // vitest leaves a core free; on a machine of two that would be one worker.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    testTimeout: 20_000,
    hookTimeout: 20_000,
  },
});
