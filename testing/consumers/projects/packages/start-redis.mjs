import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** Starts a Redis server on a socket of its own, in the folder of temporary files. */
export async function startRedis() {
  const folder = await mkdtemp(join(tmpdir(), "talkdesk-oauth-redis-"));
  const socket = join(folder, "redis.sock");
  const nothingOnDisk = ["--save", "", "--appendonly", "no", "--dir", folder];
  const args = ["--port", "0", "--unixsocket", socket, ...nothingOnDisk];
  const server = spawn(process.env.CONSUMER_REDIS_SERVER, args, { stdio: ["ignore", "pipe", "inherit"] });
  const lines = createInterface(server.stdout);
  await new Promise((resolve, reject) => {
    lines.on("line", (line) => /ready to accept connections/i.test(line) && resolve());
    server.once("exit", (code) => reject(new Error(`redis-server ended with ${code}`)));
  });
  return {
    socket,
    async stop() {
      const ended = once(server, "exit");
      server.kill();
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
