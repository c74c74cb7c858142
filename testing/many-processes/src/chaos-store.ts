import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startRedisServer } from "@talkdesk-oauth/fixtures/redis-server";
import { openDatabase, type StorePlace } from "./open-store.js";

/** A store whose faults the run can cause. */
export interface ChaosStore extends AsyncDisposable {
  readonly place: StorePlace;
  /** Makes the store refuse, or hang, for a while. */
  block(forMs: number): Promise<void>;
  restart(downMs: number): Promise<void>;
  flushScripts(): Promise<void>;
}

export const startChaosStore = (kind: StorePlace["kind"], folder: string): Promise<ChaosStore> =>
  kind === "sqlite" ? sqliteChaosStore(folder) : redisChaosStore();

/** A file in `folder`; to block it, another writer holds it locked. */
async function sqliteChaosStore(folder: string): Promise<ChaosStore> {
  const place = { kind: "sqlite", driver: "libsql", file: join(folder, "tokens.db") } as const;
  return {
    place,
    async block(forMs) {
      const database = openDatabase(place);
      try {
        while (!isBegun(() => database.exec("BEGIN IMMEDIATE"))) await sleep(5);
        await sleep(forMs);
        database.exec("COMMIT");
      } finally {
        database.close();
      }
    },
    async restart() {},
    async flushScripts() {},
    async [Symbol.asyncDispose]() {},
  };
}

/** False while another process writes. */
function isBegun(begin: () => void): boolean {
  try {
    begin();
    return true;
  } catch {
    return false;
  }
}

/** A server that keeps every write that it has answered. To block it, its process is stopped. */
async function redisChaosStore(): Promise<ChaosStore> {
  const server = await startRedisServer({ appendOnly: true, args: ["--appendfsync", "always"] });
  return {
    place: { kind: "redis", client: "redis", url: server.url },
    async block(forMs) {
      server.pause();
      await sleep(forMs);
      server.resume();
    },
    async restart(downMs) {
      await server.kill();
      await sleep(downMs);
      await server.restart();
    },
    async flushScripts() {
      await server.command("SCRIPT", "FLUSH");
    },
    [Symbol.asyncDispose]: () => server.stop(),
  };
}
