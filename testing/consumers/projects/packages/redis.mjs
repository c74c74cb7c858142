import { redisStore } from "@talkdesk-oauth/redis";
import { Redis } from "ioredis";
import { createClient } from "redis";
import { printShared } from "./share-token.mjs";
import { startRedis } from "./start-redis.mjs";

const server = await startRedis();
try {
  const client = await createClient({ socket: { path: server.socket } }).connect();
  await printShared("redis", redisStore({ client }));
  await client.close();
  const other = new Redis(server.socket);
  await printShared("ioredis", redisStore({ client: other }));
  await other.quit();
} finally {
  await server.stop();
}
