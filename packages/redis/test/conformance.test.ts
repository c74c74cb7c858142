import { randomUUID } from "node:crypto";
import { describeTokenStore } from "@talkdesk-oauth/conformance";
import {
  findRedisServer,
  type RedisCluster,
  type RedisSentinel,
  type RedisServer,
  startRedisCluster,
  startRedisSentinel,
  startRedisServer,
} from "@talkdesk-oauth/fixtures/redis-server";
import { redisStore } from "@talkdesk-oauth/redis";
import { afterAll, beforeAll, describe } from "vitest";
import { type Connection, clientPackages, newestPackages } from "./support/clients.js";

/** Runs the suite for one client. Its tests share two connections, and each has a prefix of its own. */
function describeStoreOn(name: string, connect: () => Promise<Connection>): void {
  // Most of the suite's time is spent waiting for records and locks to end, so its tests wait at the same time.
  describe.concurrent(name, () => {
    let connections: readonly [Connection, Connection];
    beforeAll(async () => {
      connections = await Promise.all([connect(), connect()]);
    });
    afterAll(() => Promise.all((connections ?? []).map((connection) => connection[Symbol.asyncDispose]())));

    describeTokenStore(
      "a store",
      () => {
        const prefix = `${randomUUID()}:`;
        const [one, another] = connections;
        return {
          store: redisStore({ client: one.client, prefix }),
          another: () => redisStore({ client: another.client, prefix }),
        };
      },
      { tickMs: 75 },
    );
  });
}

describe.skipIf(findRedisServer() === undefined)("with a Redis server", () => {
  describe("of one node", () => {
    let server: RedisServer;
    beforeAll(async () => {
      server = await startRedisServer();
    });
    afterAll(() => server?.stop());
    for (const { name, connect } of clientPackages) describeStoreOn(name, () => connect(server.url));
  });

  describe("in a cluster", () => {
    let cluster: RedisCluster;
    beforeAll(async () => {
      cluster = await startRedisCluster();
    });
    afterAll(() => cluster?.stop());
    for (const { name, connectToCluster } of newestPackages) {
      describeStoreOn(name, () => connectToCluster(cluster));
    }
  });

  describe("with a sentinel", () => {
    let sentinel: RedisSentinel;
    beforeAll(async () => {
      sentinel = await startRedisSentinel();
    });
    afterAll(() => sentinel?.stop());
    for (const { name, connectToSentinel } of newestPackages) {
      describeStoreOn(name, () => connectToSentinel(sentinel));
    }
  });
});
