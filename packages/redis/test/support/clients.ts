import type { RedisCluster, RedisSentinel } from "@talkdesk-oauth/fixtures/redis-server";
import type { RedisClient } from "@talkdesk-oauth/redis";
import { Redis as Ioredis6, Cluster as Ioredis6Cluster } from "ioredis";
import { Redis as Ioredis5, Cluster as Ioredis5Cluster } from "ioredis5";
import * as redis6 from "redis";
import * as redis5 from "redis5";

/** A connected client, which is disconnected when it is disposed of. */
export interface Connection extends AsyncDisposable {
  readonly client: RedisClient;
}

/** One version of a client's package. */
export interface ClientPackage {
  readonly name: string;
  connect(url: string): Promise<Connection>;
  connectToCluster(cluster: RedisCluster): Promise<Connection>;
  connectToSentinel(sentinel: RedisSentinel): Promise<Connection>;
}

/** Node-redis ends the process when nothing listens to its errors. */
const ignore = (): void => {};

function nodeRedis(
  name: string,
  { createClient, createCluster, createSentinel }: typeof redis6,
): ClientPackage {
  return {
    name,
    async connect(url) {
      const client = createClient({ url }).on("error", ignore);
      await client.connect();
      return { client, [Symbol.asyncDispose]: async () => client.destroy() };
    },
    async connectToCluster({ nodes }) {
      const client = createCluster({ rootNodes: nodes.map(({ url }) => ({ url })) }).on("error", ignore);
      await client.connect();
      return { client, [Symbol.asyncDispose]: async () => client.destroy() };
    },
    async connectToSentinel({ name: master, sentinel: { host, port } }) {
      const client = createSentinel({ name: master, sentinelRootNodes: [{ host, port }] }).on(
        "error",
        ignore,
      );
      await client.connect();
      return { client, [Symbol.asyncDispose]: async () => client.destroy() };
    },
  };
}

function ioredis(name: string, Redis: typeof Ioredis6, Cluster: typeof Ioredis6Cluster): ClientPackage {
  return {
    name,
    async connect(url) {
      const client = new Redis(url).on("error", ignore);
      return { client, [Symbol.asyncDispose]: async () => client.disconnect() };
    },
    async connectToCluster({ nodes }) {
      const client = new Cluster(nodes.map(({ host, port }) => ({ host, port }))).on("error", ignore);
      return { client, [Symbol.asyncDispose]: async () => client.disconnect() };
    },
    async connectToSentinel({ name: master, sentinel: { host, port } }) {
      const client = new Redis({ name: master, sentinels: [{ host, port }] }).on("error", ignore);
      return { client, [Symbol.asyncDispose]: async () => client.disconnect() };
    },
  };
}

/**
 * The packages that this one promises to work with, the newest version of each first. Where the types of the versions
 * differ, `clients.test.ts` compares each with the type that the store takes.
 */
export const clientPackages: readonly ClientPackage[] = [
  nodeRedis("redis 6", redis6),
  ioredis("ioredis 6", Ioredis6, Ioredis6Cluster),
  nodeRedis("redis 5", redis5 as unknown as typeof redis6),
  ioredis(
    "ioredis 5",
    Ioredis5 as unknown as typeof Ioredis6,
    Ioredis5Cluster as unknown as typeof Ioredis6Cluster,
  ),
];

export const newestPackages: readonly ClientPackage[] = clientPackages.slice(0, 2);
