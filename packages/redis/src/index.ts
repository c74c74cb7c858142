export type { IoredisClient, NodeRedisClient, RedisClient, ScriptInput } from "./client.js";
export { type RedisStoreEvent, type RedisStoreOptions, redisStore } from "./redis-store.js";
