// `openStore(client)` opens a store on a client, in the environment's REDIS_SOCKET or in memory.
import { redisStore } from "@talkdesk-oauth/redis";
import { sqliteStore } from "@talkdesk-oauth/sqlite";

const { REDIS_SOCKET: path } = process.env;

const openers = {
  async redis(prefix) {
    const { createClient } = await import("redis");
    const client = await createClient({ socket: { path } }).connect();
    return { store: redisStore({ client, prefix }), close: () => client.destroy() };
  },
  async ioredis(prefix) {
    // The oldest has no other export.
    const { default: Redis } = await import("ioredis");
    const client = new Redis(path);
    return { store: redisStore({ client, prefix }), close: () => client.disconnect() };
  },
  async libsql() {
    const { default: Database } = await import("libsql");
    return openSqlite(new Database(":memory:"));
  },
  async "better-sqlite3"() {
    const { default: Database } = await import("better-sqlite3");
    return openSqlite(new Database(":memory:"));
  },
  async "node:sqlite"() {
    const { DatabaseSync } = await import("node:sqlite");
    return openSqlite(new DatabaseSync(":memory:"));
  },
};

const openSqlite = (database) => ({ store: sqliteStore(database), close: () => database.close() });

export const openStore = (client, prefix = "app:") => openers[client](prefix);
