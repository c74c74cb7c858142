import { redisStore } from "@talkdesk-oauth/redis";
import { Redis } from "ioredis";
import { createClient } from "redis";
import { printShared } from "./share-token.mjs";

const { REDIS_SOCKET: socket } = process.env;
const client = await createClient({ socket: { path: socket } }).connect();
await printShared("redis", redisStore({ client }));
await client.close();
const other = new Redis(socket);
await printShared("ioredis", redisStore({ client: other }));
await other.quit();
