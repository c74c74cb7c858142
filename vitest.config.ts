import { availableParallelism } from "node:os";
import { configDefaults, defineConfig, type TestProjectInlineConfiguration } from "vitest/config";
import { apart, long, notForThisNode } from "./vitest.suites.ts";

/** Tests in a folder `built` start what a build has made; vitest.dist.config.ts runs them. */
const onBuildOnly = "apps/*/test/built/**";

const project = (
  name: string,
  { exclude = [], ...test }: NonNullable<TestProjectInlineConfiguration["test"]>,
): TestProjectInlineConfiguration => ({
  // The scoped condition in each package's exports leads to its sources.
  ssr: { resolve: { conditions: ["@talkdesk-oauth/source", "module", "node", "development|production"] } },
  test: {
    name,
    // For a machine that has other work to do: no test takes nearly as long by itself.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 60_000 } },
    exclude: [...configDefaults.exclude, ...notForThisNode, onBuildOnly, ...exclude],
    ...test,
  },
});

/** Runs the suites of packages and apps on the sources. `npm test` leaves out the project "long". */
export default defineConfig({
  test: {
    // One more than the cores of a machine of two: while a test waits, another file's has the core.
    maxWorkers: Math.max(3, availableParallelism()),
    // Tests that say `concurrent` mostly wait.
    maxConcurrency: 12,
    projects: [
      // Loading everything anew for each file would take longer than the tests.
      project("together", {
        isolate: false,
        include: ["{packages,apps}/*/test/**/*.test.ts", "scripts/test/*.test.mjs"],
        exclude: [...apart, ...long],
      }),
      project("apart", { include: [...apart], exclude: [...long] }),
      project("long", { include: [...long] }),
    ],
  },
});
