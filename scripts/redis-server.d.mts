/** Finds a Redis server: the one that `REDIS_SERVER_PATH` names, or one on the `PATH`; undefined when there is none. */
export declare function findRedisServer(env?: NodeJS.ProcessEnv): string | undefined;
