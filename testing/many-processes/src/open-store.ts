import { createRequire } from "node:module";
import type { TokenStore } from "@talkdesk-oauth/core";
import { redisStore } from "@talkdesk-oauth/redis";
import { type SqliteDatabase, sqliteStore } from "@talkdesk-oauth/sqlite";

/** Names a store, so that several processes can open the same one. */
export type StorePlace = SqlitePlace | RedisPlace;

export interface SqlitePlace {
  readonly kind: "sqlite";
  readonly driver: "libsql" | "node:sqlite";
  readonly file: string;
}

interface RedisPlace {
  readonly kind: "redis";
  readonly client: "redis" | "ioredis";
  readonly url: string;
}

/** A store that is open in this process. */
export interface OpenStore {
  readonly store: TokenStore;
  close(): Promise<void>;
}

/** A handle of one of the drivers. */
export interface DatabaseHandle extends SqliteDatabase {
  close(): void;
}

type Database = new (file: string) => DatabaseHandle;

const require = createRequire(import.meta.url);
// Node 20 has no node:sqlite, so both are loaded when first used.
const drivers: Readonly<Record<SqlitePlace["driver"], () => Database>> = {
  libsql: () => require("libsql") as Database,
  "node:sqlite": () => (require("node:sqlite") as { DatabaseSync: Database }).DatabaseSync,
};

export function openDatabase({ driver, file }: SqlitePlace): DatabaseHandle {
  const Database = drivers[driver]();
  return new Database(file);
}

export async function openStore(place: StorePlace): Promise<OpenStore> {
  if (place.kind === "sqlite") {
    const database = openDatabase(place);
    return { store: sqliteStore(database), close: async () => database.close() };
  }
  const { url } = place;
  // Clients are loaded when they are used, so that many processes start fast. A server that is down is part of the plan;
  // the store's errors tell of it.
  if (place.client === "ioredis") {
    const { Redis } = await import("ioredis");
    const client = new Redis(url).on("error", () => {});
    return { store: redisStore({ client }), close: async () => client.disconnect() };
  }
  const { createClient } = await import("redis");
  const client = createClient({ url }).on("error", () => {});
  await client.connect();
  return { store: redisStore({ client }), close: async () => client.destroy() };
}
