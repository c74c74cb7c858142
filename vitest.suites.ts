const major = Number(process.versions.node.split(".")[0]);

/** Suites of clients that do not run on the Node at hand: undici 8 needs Node 22. */
export const notForThisNode: readonly string[] = major < 22 ? ["**/*undici-8.test.ts"] : [];

/** Files whose tests count on modules that no other file has loaded: the adapters' clients keep state of their own. */
export const apart: readonly string[] = ["packages/{axios,undici}/test/**/*.test.ts"];

/**
 * Suites of packages and apps that take many seconds: random histories, memory, crashes, processes, browsers. `npm test` leaves
 * them out; `npm run test:everywhere` runs those of apps on the sources, and those of packages on the build with each Node.
 */
export const long: readonly string[] = [
  "packages/axios/test/oldest-axios.test.ts",
  // The suites of login run in `npm test` with `node:http` and with Hono.
  "packages/{express,fastify,redis}/test/conformance.test.ts",
  "packages/core/test/{kept-alive,lifecycle-memory,lifecycle-model,stopped-process,user-session-model}.test.ts",
  "packages/emulator/test/bounded-memory.test.ts",
  "packages/redis/test/cluster.test.ts",
  "packages/sqlite/test/{crash,model,processes}.test.ts",
  "apps/export-calls/test/download/download.test.ts",
  "apps/partner-portal/test/browser-*.test.ts",
];

/** Suites about the build that take many seconds; `npm run test:everywhere` runs them. */
export const longOnBuild: readonly string[] = [
  "apps/many-processes/test/built/many-processes.test.ts",
  "apps/partner-portal/test/built/restart.test.ts",
  "testing/consumers/test/consumers.test.ts",
  "testing/fixtures/test/redis-server.test.ts",
  "testing/many-processes/test/{chaos,one-request}.test.ts",
  "testing/release/test/rehearsal.test.ts",
  "testing/simulation/test/simulation.test.ts",
  "testing/stores/test/redis-*.test.ts",
];
