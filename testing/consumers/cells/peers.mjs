import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { expectSame } from "../frame/cell.mjs";
import { withRedisSocket } from "../frame/redis-socket.mjs";
import { findRuntime } from "../frame/runtimes.mjs";

/** @import { Cell } from "../frame/cell.mjs" */
/** @import { Context } from "../frame/context.mjs" */

const PACKAGES = [
  ...["core", "fetch", "axios", "undici", "login", "express", "hono", "fastify"],
  ...["sqlite", "redis", "emulator", "conformance"],
];

/** The files that translate between a client or framework and a suite, which the packages' own tests use too. */
const DRIVERS = [
  "axios/test/support/describe-axios.ts",
  "undici/test/support/describe-undici.ts",
  "express/test/support/login-driver.ts",
  "express/test/support/served.ts",
  "hono/test/support/hono-driver.ts",
  "fastify/test/support/fastify-driver.ts",
  "fastify/test/support/session-store.ts",
];

/** @typedef {Readonly<Record<string, string>>} Versions */

/**
 * Sets of versions that are installed together: the oldest that keep every promise, and the newest of each major. undici
 * before 7.25 shares answers in its cache, and redis before 5.9 damages texts. undici 8 and better-sqlite3 run on Node 24.
 * @type {readonly { node: () => string, versions: Versions, beside: readonly string[] }[]}
 */
const SETS = [
  {
    node: () => process.execPath,
    versions: {
      axios: "1.16.1",
      undici: "7.25.0",
      express: "4.21.0",
      hono: "4.8.0",
      fastify: "5.0.0",
      redis: "5.9.0",
      ioredis: "5.0.0",
      libsql: "0.5.29",
    },
    beside: ["express-session@1.18.0", "@fastify/session@11.1.3", "axios-cache-interceptor@1.11.4"],
  },
  {
    node: () => process.execPath,
    versions: {
      axios: "1.21.1",
      undici: "7.30.2",
      express: "4.22.3",
      hono: "4.13.19",
      fastify: "5.12.8",
      redis: "5.12.1",
      ioredis: "5.11.1",
    },
    beside: ["express-session@1.19.0", "@fastify/session@11.1.3", "axios-cache-interceptor@1.12.3"],
  },
  {
    node: () => findRuntime("node24"),
    versions: { undici: "8.0.0", express: "5.0.0", redis: "6.0.0", "better-sqlite3": "13.0.0" },
    beside: ["express-session@1.18.0"],
  },
  {
    node: () => findRuntime("node24"),
    versions: {
      undici: "8.13.1",
      express: "5.3.0",
      redis: "6.3.1",
      ioredis: "6.0.0",
      "better-sqlite3": "13.2.0",
      "node:sqlite": "of Node 24",
    },
    beside: ["express-session@1.19.0"],
  },
];

const STORES = ["redis", "ioredis", "libsql", "better-sqlite3", "node:sqlite"];

/** @type {readonly Cell[]} */
export const cells = SETS.flatMap((set) =>
  Object.entries(set.versions).map(([peer, version]) => ({ set, peer, version })),
)
  .sort((left, right) => left.peer.localeCompare(right.peer))
  .flatMap(({ set, peer, version }) => {
    const row = { table: "Peers", row: `${peer} ${version}` };
    return [
      {
        ...row,
        column: "a job",
        async run(/** @type {Context} */ context) {
          const program = STORES.includes(peer) ? ["share-token.mjs", peer] : [`${peer}.mjs`];
          const said = await runIn(context, set, peer, program);
          expectSame(said, STORES.includes(peer) ? "true" : "200");
        },
      },
      {
        ...row,
        column: "the suite of conformance",
        async run(/** @type {Context} */ context) {
          const timeouts = ["--testTimeout=120000", "--hookTimeout=120000"];
          const vitest = ["node_modules/vitest/vitest.mjs", "run", "--reporter=dot", ...timeouts];
          const said = await runIn(context, set, peer, [...vitest, ...suiteOf(peer)]);
          if (!said.includes("Test Files  1 passed")) throw new Error(said);
        },
      },
    ];
  });

/**
 * The arguments that choose the tests of a peer.
 * @param {string} peer
 */
function suiteOf(peer) {
  if (STORES.includes(peer)) return ["store.test.mjs"];
  if (peer !== "undici") return [`${peer}.test.ts`];
  // One place among other interceptors; the package's own tests have all. An older undici never ends sending the FormData
  // of another library.
  return ["undici.test.ts", "-t", "^(?!.*foreign FormData).*redirects outside"];
}

/**
 * Runs a program in the installation of its set, with a Redis server where it needs one.
 * @param {Context} context
 * @param {(typeof SETS)[number]} set
 * @param {string} peer
 * @param {readonly string[]} args
 */
async function runIn({ share, run, folder }, set, peer, args) {
  const node = set.node();
  const cwd = await share(`peers ${JSON.stringify(set.versions)}`, (context) => install(context, set));
  const env = { STORE_CLIENT: peer };
  if (!peer.endsWith("redis")) return run(node, args, { cwd, env });
  return withRedisSocket(folder, (socket) => run(node, args, { cwd, env: { ...env, REDIS_SOCKET: socket } }));
}

/**
 * Installs a set beside the packages, without a conflict of peers.
 * @param {Context} context
 * @param {(typeof SETS)[number]} set
 */
async function install({ install, run, workspace }, { versions, beside }) {
  const names = Object.entries(versions).filter(([name]) => !name.startsWith("node:"));
  const express = `express-4@npm:express@${versions["express"]}`;
  const cwd = await install("peers", PACKAGES, [
    ...names.map(([name, version]) => `${name}@${version}`),
    ...beside,
    // The name under which the driver imports it, beside the other.
    express,
  ]);
  await run("npm", ["ls", "--all"], { cwd });
  for (const driver of DRIVERS) {
    await copyFile(join(workspace, "packages", driver), join(cwd, driver.split("/").at(-1) ?? ""));
  }
  return cwd;
}
