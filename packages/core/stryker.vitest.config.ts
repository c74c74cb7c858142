import { defineConfig } from "vitest/config";

/** The tests that mutants have to survive: those of the mutated files, with fewer random histories of the model. */
export default defineConfig({
  ssr: { resolve: { conditions: ["@talkdesk-oauth/source", "module", "node", "development|production"] } },
  test: {
    include: [
      "test/lifecycle.test.ts",
      "test/lifecycle-model.test.ts",
      "test/client-credentials.test.ts",
      "test/token-events.test.ts",
      "test/token-response.test.ts",
      "test/token-response-wording.test.ts",
      "test/request-token.test.ts",
      "test/retry-after.test.ts",
    ],
    env: { LIFECYCLE_MODEL_RUNS: "600" },
    testTimeout: 5_000,
  },
});
