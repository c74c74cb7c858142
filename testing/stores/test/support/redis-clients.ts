import type { RedisCluster, RedisSentinel, RedisServer } from "@talkdesk-oauth/fixtures/redis-server";
import type { RedisClient } from "@talkdesk-oauth/redis";
import { Cluster, Redis } from "ioredis";
import { createClient, createCluster, createSentinel } from "redis";

/** A client as an application has it: with its defaults, and with a listener for its errors. */
export interface ConnectedClient {
  readonly client: RedisClient;
  close(): void;
}

/** Clients that connect to one server, now or when it is there. By default, both queue commands until then. */
export const redisClients = [
  {
    name: "redis",
    connect({ url }: RedisServer): ConnectedClient {
      const client = createClient({ url });
      client.on("error", () => {});
      client.connect().catch(() => {});
      return { client, close: () => client.destroy() };
    },
  },
  {
    name: "ioredis",
    connect({ host, port }: RedisServer): ConnectedClient {
      const client = new Redis({ host, port });
      client.on("error", () => {});
      return { client, close: () => client.disconnect() };
    },
  },
] as const;

/** Clients that ask a sentinel for the master. */
export const sentinelClients = [
  {
    name: "redis",
    async connect({ name, sentinel: { host, port } }: RedisSentinel): Promise<ConnectedClient> {
      const client = createSentinel({ name, sentinelRootNodes: [{ host, port }] });
      client.on("error", () => {});
      await client.connect();
      return { client, close: () => client.destroy() };
    },
  },
  {
    name: "ioredis",
    async connect({ name, sentinel: { host, port } }: RedisSentinel): Promise<ConnectedClient> {
      const client = new Redis({ name, sentinels: [{ host, port }] });
      client.on("error", () => {});
      return { client, close: () => client.disconnect() };
    },
  },
] as const;

/** Clients of a cluster. */
export const clusterClients = [
  {
    name: "redis",
    async connect({ nodes }: RedisCluster): Promise<ConnectedClient> {
      const client = createCluster({ rootNodes: nodes.map(({ url }) => ({ url })) });
      client.on("error", () => {});
      await client.connect();
      return { client, close: () => client.destroy() };
    },
  },
  {
    name: "ioredis",
    async connect({ nodes }: RedisCluster): Promise<ConnectedClient> {
      const client = new Cluster(nodes.map(({ host, port }) => ({ host, port })));
      client.on("error", () => {});
      return { client, close: () => client.disconnect() };
    },
  },
] as const;
