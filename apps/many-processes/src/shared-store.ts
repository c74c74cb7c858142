import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** Another program may take the port before the server does. */
const START_ATTEMPTS = 3;

/** The store that the processes share. Disposing ends its server and deletes its files. */
export interface SharedStore extends AsyncDisposable {
  /** What it is, for people. */
  readonly description: string;
  /** What `openStore` reads. */
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Provides a store: the Redis server of `REDIS_URL`, or one that is started for this run, or a SQLite file when none can
 * be started on this machine.
 */
export async function provideStore(env: NodeJS.ProcessEnv, usesSqlite: boolean): Promise<SharedStore> {
  const folder = await mkdtemp(join(tmpdir(), "many-processes-"));
  const { REDIS_URL: url } = env;
  const server = usesSqlite || url ? undefined : await startRedisServer(folder);
  const file = join(folder, "tokens.db");
  const [description, store] = server
    ? ["a Redis server that runs as long as this command", server.url]
    : url && !usesSqlite
      ? ["the Redis server of REDIS_URL", url]
      : [usesSqlite ? "a SQLite file" : "a SQLite file, since no redis-server could be started", file];
  return {
    description,
    env: {
      STORE: store,
      STORE_PREFIX: `many-processes-${randomBytes(4).toString("hex")}:`,
      STORE_SECRET: randomBytes(32).toString("base64url"),
    },
    async [Symbol.asyncDispose]() {
      await server?.stop();
      await rm(folder, { recursive: true });
    },
  };
}

/** Starts a Redis server that keeps nothing on the disk; undefined when none can be started. */
async function startRedisServer(
  folder: string,
): Promise<{ readonly url: string; stop(): Promise<void> } | undefined> {
  for (let attempt = 0; attempt < START_ATTEMPTS; attempt += 1) {
    const port = String(await findFreePort());
    const server = spawn(
      "redis-server",
      ["--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", folder],
      { stdio: ["ignore", "pipe", "ignore"] },
    );
    if (!(await isReady(server))) continue;
    return {
      url: `redis://127.0.0.1:${port}`,
      async stop() {
        if (server.exitCode !== null || server.signalCode !== null) return;
        server.kill();
        await once(server, "exit");
      },
    };
  }
  return undefined;
}

/** Waits until the server accepts connections; false when it cannot be started. */
async function isReady(server: ChildProcess): Promise<boolean> {
  return new Promise((resolve) => {
    server.once("error", () => resolve(false)).once("exit", () => resolve(false));
    if (server.stdout === null) return;
    createInterface({ input: server.stdout }).on("line", (line) => {
      if (line.includes("Ready to accept connections")) resolve(true);
    });
  });
}

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}
