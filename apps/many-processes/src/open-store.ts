import { encryptedStore, type TokenStore } from "@talkdesk-oauth/core";
import { redisStore } from "@talkdesk-oauth/redis";
import { sqliteStore } from "@talkdesk-oauth/sqlite";
import Database from "libsql";
import { createClient } from "redis";

/** The keys of the two tokens in the store. */
export const [APP_KEY, USER_KEY] = ["app", "user"] as const;

/** Opens the store that all processes share: `STORE` is the address of a Redis server, or the name of a SQLite file. */
export async function openStore(env: NodeJS.ProcessEnv): Promise<TokenStore> {
  const { STORE = "", STORE_PREFIX: prefix = "", STORE_SECRET: secret = "" } = env;
  if (!/^rediss?:/.test(STORE)) return encryptedStore(sqliteStore(new Database(STORE)), secret);
  const client = createClient({ url: STORE }).on("error", ({ message }) => console.error("Redis:", message));
  await client.connect();
  return encryptedStore(redisStore({ client, prefix }), secret);
}
