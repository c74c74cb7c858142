import { availableParallelism } from "node:os";
import { configDefaults, defineConfig, type TestProjectInlineConfiguration } from "vitest/config";
import { apart, forThisRuntime, long, longOnBuild, notForThisNode } from "./vitest.suites.ts";

/** Tests that look at the build itself. */
const aboutTheBuild = ["apps/*/test/built/**/*.test.ts", "testing/*/test/**/*.test.ts"];

const project = (
  name: string,
  { exclude = [], ...test }: NonNullable<TestProjectInlineConfiguration["test"]>,
): TestProjectInlineConfiguration => ({
  test: {
    name,
    // As long as on the sources.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 60_000 } },
    exclude: [...configDefaults.exclude, ...notForThisNode, ...exclude],
    ...test,
  },
});

/** Runs suites on what is built and published. */
export default defineConfig({
  test: {
    // As on the sources.
    maxWorkers: Math.max(3, availableParallelism()),
    maxConcurrency: 12,
    ...(forThisRuntime && { testNamePattern: forThisRuntime }),
    projects: [
      // `npm run test:everywhere` runs these two with each Node.
      project("packages", {
        isolate: false,
        include: ["packages/*/test/**/*.test.ts"],
        exclude: [...apart],
      }),
      project("packages apart", { include: [...apart] }),
      // `npm test` runs this one. Its files load programs of users, which change the clients that they import.
      project("build", { include: aboutTheBuild, exclude: [...longOnBuild] }),
      // `npm run test:everywhere` runs these two once.
      project("apps", {
        isolate: false,
        include: ["apps/*/test/**/*.test.ts"],
        exclude: ["apps/*/test/built/**", ...long],
      }),
      project("long", { include: [...longOnBuild] }),
    ],
  },
});
