import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findRedisServer, startRedisServer } from "@talkdesk-oauth/fixtures/redis-server";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const MAIN = fileURLToPath(new URL("../../dist/main.js", import.meta.url));

const noRedis = findRedisServer() === undefined;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "many-processes-test-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Starts the command, with a folder of its own for temporary files. */
function start(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const { REDIS_URL: _, ...inherited } = process.env;
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { ...inherited, TMPDIR: folder, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const chunks: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  const said = (): string => Buffer.concat(chunks).toString();
  return { child, said, ended: once(child, "close").then(([code]) => code as number | null) };
}

async function run(args: readonly string[], env?: NodeJS.ProcessEnv): Promise<string> {
  const { said, ended } = start(args, env);
  expect([await ended, said()]).toEqual([0, expect.any(String)]);
  expect(readdirSync(folder)).toEqual([]);
  return said();
}

/** What every run shows. */
function expectSharing(said: string): void {
  expect(said).toMatch(/^worker 1 +200 +\d+ +killed$/m);
  for (const name of ["portal", "worker 2", "worker 3"])
    expect(said).toMatch(new RegExp(`^${name} +300 +300$`, "m"));
  expect(said).toMatch(/^worker 4 +100 +100$/m);
  for (const grant of ["authorization_code", "client_credentials", "refresh_token"]) {
    expect(said).toMatch(new RegExp(`^${grant} +1 `, "m"));
  }
}

describe("three workers and a portal share one token of each kind", () => {
  it("over a SQLite file when no redis-server can be started", async () => {
    const said = await run([], { PATH: folder });
    expect(said).toMatch(/^The processes share a SQLite file, since no redis-server could be started\.$/m);
    expectSharing(said);
  });

  it.skipIf(noRedis)("over a Redis server that the command starts and ends", async () => {
    const said = await run([]);
    expect(said).toMatch(/^The processes share a Redis server that runs as long as this command\.$/m);
    expectSharing(said);
  });
});

describe("a run that is stopped", () => {
  /** Stops a run when the user has signed in; gives its first line. */
  async function stopEarly(args: readonly string[], env?: NodeJS.ProcessEnv): Promise<string | undefined> {
    const { child, said, ended } = start(args, env);
    await expect.poll(said).toContain("signs in at the portal");
    child.kill("SIGTERM");
    expect(await ended).toBe(1);
    expect(readdirSync(folder)).toEqual([]);
    return said().split("\n")[0];
  }

  it("leaves no files, with --sqlite", async () => {
    expect(await stopEarly(["--sqlite"])).toBe("The processes share a SQLite file.");
  });

  it.skipIf(noRedis)("ends none but its own Redis server", async () => {
    await using redis = await startRedisServer();
    const said = await stopEarly([], { REDIS_URL: redis.url });
    expect(said).toBe("The processes share the Redis server of REDIS_URL.");
    expect(String(await redis.command("KEYS", "*"))).toContain("{user}:record");
  });
});

it("says which argument it takes", async () => {
  const { said, ended } = start(["--redis"]);
  expect(await ended).toBe(2);
  expect(said()).toContain("The only argument is --sqlite");
});
