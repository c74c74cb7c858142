import { defineConfig } from "vitest/config";

/** Takes the pictures in `docs/portal`, by `pnpm screenshots`; not part of the tests. */
export default defineConfig({
  ssr: { resolve: { conditions: ["@talkdesk-oauth/source", "module", "node", "development|production"] } },
  test: { include: ["test/screenshots.ts"], testTimeout: 120_000 },
});
