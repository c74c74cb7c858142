import { availableParallelism } from "node:os";
import { configDefaults, defineConfig } from "vitest/config";
import { notForThisNode } from "./vitest.node.ts";

/** Runs every suite on the sources: the scoped condition in each package's exports leads there. */
export default defineConfig({
  ssr: { resolve: { conditions: ["@talkdesk-oauth/source", "module", "node", "development|production"] } },
  test: {
    include: ["packages/*/test/**/*.test.ts", "apps/*/test/**/*.test.ts", "scripts/test/*.test.mjs"],
    // Tests in a folder `built` start what a build has made; vitest.dist.config.ts runs them.
    exclude: [...configDefaults.exclude, ...notForThisNode, "apps/*/test/built/**"],
    // vitest leaves a core free; on a machine of two that would be one worker.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    // Tests that say `concurrent` mostly wait.
    maxConcurrency: 12,
    // For a machine that has other work to do: no test takes nearly as long by itself.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 60_000 } },
  },
});
