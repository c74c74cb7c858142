const major = Number(process.versions.node.split(".")[0]);

/** Suites of clients that do not run on the Node at hand: undici 8 needs Node 22. */
export const notForThisNode: readonly string[] = major < 22 ? ["**/*undici-8.test.ts"] : [];

/**
 * What the names of tests of `fetch` have in common that cannot pass in Bun. There `undici` is a stand-in that ignores
 * dispatchers and has no interceptors, and `fetch` reads what a `Request` overrides, takes any method, and has errors
 * and multipart bodies of its own.
 */
const notForBun: readonly string[] = [
  "the fetch of undici",
  "undici's",
  "a (?:composed |Balanced)?Pool",
  "an Agent on a socket",
  "a (?:custom )?proxy(?: agent)?, for a gateway",
  "a proxy in the clear",
  "the global dispatcher",
  "EnvHttpProxyAgent",
  "when the environment names a proxy for it",
  "whose subclass overrides",
  "a Request of another library",
  "gets the caller's own Request",
  "a Request whose body init does not override",
  "not a method",
  "are fetch's own error",
  "the parts that fetch itself makes of it",
  "a foreign File that is read",
];

/** The names of the tests that run in this runtime. Undefined for all. */
export const forThisRuntime: RegExp | undefined =
  "Bun" in globalThis ? new RegExp(`^(?!.*(?:${notForBun.join("|")}))`) : undefined;

/** Files that put another version of a client in place of the one that other files have loaded. */
export const apart: readonly string[] = [
  "packages/axios/test/{oldest-axios,too-old-axios}.test.ts",
  "packages/undici/test/*undici-8.test.ts",
];

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
