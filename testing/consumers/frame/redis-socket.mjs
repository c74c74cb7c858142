import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { findRedisServer } from "../../../scripts/redis-server.mjs";
import { NotHere } from "./cell.mjs";

/**
 * Does a piece of work beside a Redis server, which listens on a socket in `folder` and on no port.
 * @template T
 * @param {string} folder
 * @param {(socket: string) => Promise<T>} work
 * @returns {Promise<T>}
 * @throws NotHere when there is no redis-server on this machine.
 */
export async function withRedisSocket(folder, work) {
  const program = findRedisServer();
  if (program === undefined) throw new NotHere("there is no redis-server; `npm run setup` brings one");
  const socket = join(folder, "redis.sock");
  const args = ["--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no"];
  const server = spawn(program, args, { cwd: folder, stdio: ["ignore", "pipe", "inherit"] });
  const hasEnded = once(server, "close");
  try {
    await Promise.race([
      isReady(server.stdout),
      hasEnded.then(() => Promise.reject(new Error("Redis ended."))),
    ]);
    return await work(socket);
  } finally {
    server.kill("SIGKILL");
    await hasEnded;
  }
}

/** @param {import("node:stream").Readable} output */
async function isReady(output) {
  let said = "";
  output.setEncoding("utf8");
  while (!said.includes("ready to accept connections")) {
    const [text] = await once(output, "data");
    said += text;
  }
  // What it says later is not read, and must not fill the pipe.
  output.resume();
}
