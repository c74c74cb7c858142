import { randomUUID } from "node:crypto";
import { type RedisServer, startRedisServer } from "@talkdesk-oauth/fixtures/redis-server";
import { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach } from "vitest";

/** A server and a client that all tests of a group share, and a prefix for each test. */
export interface RedisOfFile {
  readonly server: RedisServer;
  /** For the store under test, and to look at what it has written. */
  readonly redis: Redis;
  readonly prefix: string;
  /** The key in Redis of a part of a record. */
  part(key: string, part: "record" | "lock" | "history"): string;
}

/** Starts the server before the tests of a group. Its members are read in tests. */
export function redisOfFile(): RedisOfFile {
  let server: RedisServer;
  let redis: Redis;
  let prefix: string;
  beforeAll(async () => {
    server = await startRedisServer();
    redis = new Redis(server.url);
  });
  beforeEach(() => {
    prefix = `${randomUUID()}:`;
  });
  afterAll(async () => {
    redis?.disconnect();
    await server?.stop();
  });
  return {
    get server() {
      return server;
    },
    get redis() {
      return redis;
    },
    get prefix() {
      return prefix;
    },
    part: (key, part) => `${prefix}{${encodeURIComponent(key)}}:${part}`,
  };
}
