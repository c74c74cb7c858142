import type { TokenStore } from "@talkdesk-oauth/core";
import { redisStore } from "@talkdesk-oauth/redis";
import { sqliteStore } from "@talkdesk-oauth/sqlite";
import BetterSqlite from "better-sqlite3";
import { Cluster, Redis } from "ioredis";
import Libsql from "libsql";
import { createClient, createCluster } from "redis";

export const stores: readonly TokenStore[] = [
  sqliteStore(new Libsql("tokens.db")),
  sqliteStore(new BetterSqlite("tokens.db")),
  redisStore({ client: createClient(), prefix: "app:", onEvent: ({ type }) => console.warn(type) }),
  redisStore({ client: createCluster({ rootNodes: [{ url: "redis://localhost:7000" }] }) }),
  redisStore({ client: new Redis() }),
  redisStore({ client: new Cluster([]) }),
];
