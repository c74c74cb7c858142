// One process of many-processes.mjs: says when it is ready, and calls when told.
import { clientCredentials, clientSecretBasic, talkdeskClient } from "@talkdesk-oauth/core";
import { redisStore } from "@talkdesk-oauth/redis";
import { sqliteStore } from "@talkdesk-oauth/sqlite";
import Database from "libsql";
import { createClient } from "redis";

const { SQLITE_FILE, REDIS_PORT, TOKEN_URL, CALLERS } = process.env;

const redis = REDIS_PORT === undefined ? undefined : createClient({ url: `redis://127.0.0.1:${REDIS_PORT}` });
await redis?.connect();
const store =
  redis !== undefined
    ? redisStore({ client: redis })
    : SQLITE_FILE !== undefined
      ? sqliteStore(new Database(SQLITE_FILE))
      : undefined;
const client = talkdeskClient({
  endpoints: { token: TOKEN_URL, api: "http://127.0.0.1" },
  authentication: clientSecretBasic({ clientId: "bench", clientSecret: "bench-secret" }),
});
const source = clientCredentials(client, store === undefined ? {} : { store, key: "bench" });
process.on("message", async () => {
  await Promise.all(Array.from({ length: Number(CALLERS) }, () => source.getToken()));
  process.send("done");
});
process.on("disconnect", () => process.exit(0));
process.send("ready");
