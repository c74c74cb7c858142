import { expectFailure } from "../frame/cell.mjs";
import { withRedisSocket } from "../frame/redis-socket.mjs";
import { commandOf } from "../frame/runtimes.mjs";

/** @import { Cell } from "../frame/cell.mjs" */
/** @import { Context } from "../frame/context.mjs" */

const PACKAGES = [
  "core",
  "fetch",
  "login",
  "axios",
  "undici",
  "express",
  "hono",
  "fastify",
  "sqlite",
  "redis",
  "emulator",
];

/** The column of each runtime, and its name. */
const RUNTIMES = {
  "Node 20.19.0": "node20.19.0",
  "Node 22": "node22",
  "Node 24": "node24",
  "Node 26": "node26",
  "Bun 1.4": "bun",
  "Deno 2.9": "deno",
};

/**
 * Installs all packages beside their clients and frameworks.
 * @param {Context} context
 */
export const installPackages = ({ share }) =>
  share("packages", ({ install }) => install("packages", PACKAGES));

/** A POST that is sent again after a 401. */
const REPLAYED = '200 {"name":"value"}';

/** Nobody, a login, a page with a call of the API, a logout, and nobody again. */
const LOGIN = "401 302 302 200 200 303 401";

/**
 * The program of `projects/packages` for each row, and the end of what it prints. `limits` has what it says where it
 * does not work.
 * @type {Readonly<Record<string, { program: string, wanted: string, limits?: Readonly<Record<string, string>> }>>}
 */
const ROWS = {
  axios: { program: "axios.mjs", wanted: REPLAYED },
  undici: {
    program: "undici.mjs",
    wanted: REPLAYED,
    // Bun has a module of its own in place of undici, which knows no interceptors.
    limits: { "Bun 1.4": "agent.compose is not a function" },
  },
  "Express 5": { program: "express.mjs", wanted: LOGIN },
  "Hono 4": { program: "hono.mjs", wanted: LOGIN },
  "Fastify 5": { program: "fastify.mjs", wanted: LOGIN },
  "sqlite on libsql": { program: "libsql.mjs", wanted: "libsql true true" },
  "sqlite on node:sqlite": {
    program: "node-sqlite.mjs",
    wanted: "node:sqlite true true",
    limits: { "Node 20.19.0": "No such built-in module: node:sqlite" },
  },
  "redis on redis and ioredis": { program: "redis.mjs", wanted: "redis true true\nioredis true true" },
  emulator: { program: "emulator.mjs", wanted: "200 string" },
};

/** @type {readonly Cell[]} */
export const cells = Object.entries(ROWS).flatMap(([row, { program, wanted, limits }]) =>
  Object.entries(RUNTIMES).map(([column, runtime]) => ({
    table: "Packages",
    row,
    column,
    isLimit: limits?.[column] !== undefined,
    async run(/** @type {Context} */ context) {
      const { folder, run } = context;
      const [command = "", ...args] = commandOf(runtime);
      const cwd = await installPackages(context);
      const start = (env = {}) => run(command, [...args, program], { cwd, env });
      const running =
        program === "redis.mjs"
          ? withRedisSocket(folder, (socket) => start({ REDIS_SOCKET: socket }))
          : start();
      const limit = limits?.[column];
      if (limit !== undefined) return expectFailure(running, limit);
      const said = await running;
      if (!said.endsWith(wanted)) throw new Error(`found ${said}\nwanted ${wanted}`);
    },
  })),
);
