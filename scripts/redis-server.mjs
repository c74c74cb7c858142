import { findProgram, provideProgram } from "./program.mjs";

const redisServer = {
  title: "redis-server",
  names: ["redis-server"],
  variable: "REDIS_SERVER_PATH",
  debianPackage: "redis-server",
};

/**
 * Finds a Redis server: the one that `REDIS_SERVER_PATH` names, or one on the `PATH`.
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {string | undefined} Its path; undefined when there is none.
 */
export const findRedisServer = (env) => findProgram(redisServer, env);

/**
 * Finds a Redis server for the tests, or has Debian's installed where that needs nobody's leave: by root, with apt-get.
 * @returns {string | undefined} Why there is none; undefined when there is one.
 */
export const provideRedisServer = () => provideProgram(redisServer);
