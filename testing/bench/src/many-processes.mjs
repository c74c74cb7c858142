import { fork, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const PROCESSES = 4;
const CALLERS = 250;
/** How long the token endpoint takes. */
const ANSWER_MS = 100;

/** Measures four processes of 250 callers each, which have no token: without a store, cold, and started again. */
export async function manyProcesses() {
  const folder = await mkdtemp(join(tmpdir(), "talkdesk-oauth-bench-"));
  const endpoint = await startTokenEndpoint();
  const redis = await startRedis(folder);
  const lines = [
    `${PROCESSES} processes of ${CALLERS} callers each, without a token; the token endpoint takes ${ANSWER_MS} ms`,
  ];
  try {
    const alone = await runProcesses(endpoint, {});
    const report = (name, { requests, ms }) => {
      const ratio = (ms / alone.ms).toFixed(2);
      lines.push(
        `  ${name.padEnd(26)} ${String(requests).padStart(2)} token requests ${ms.toFixed(0).padStart(5)} ms   ${ratio} × without a store`,
      );
    };
    report("without a store", alone);
    const stores = { SQLite: { SQLITE_FILE: join(folder, "tokens.db") } };
    if (redis !== undefined) stores.Redis = { REDIS_PORT: String(redis.port) };
    for (const [name, settings] of Object.entries(stores)) {
      report(`${name}, cold`, await runProcesses(endpoint, settings));
      report(`${name}, started again`, await runProcesses(endpoint, settings));
    }
    if (redis === undefined) lines.push("  Redis: there is no redis-server on this machine");
  } finally {
    endpoint.server.close();
    redis?.child.kill();
    await rm(folder, { recursive: true, force: true });
  }
  return lines;
}

/** Starts all processes, lets them call at the same time, and measures until the last caller has its token. */
export async function runProcesses(endpoint, settings, processes = PROCESSES) {
  const before = endpoint.requests;
  const script = fileURLToPath(new URL("caller-process.mjs", import.meta.url));
  const env = { ...process.env, ...settings, TOKEN_URL: endpoint.url, CALLERS: String(CALLERS) };
  const children = Array.from({ length: processes }, () => fork(script, { env }));
  await Promise.all(children.map((child) => once(child, "message")));
  const startedAt = performance.now();
  const done = children.map((child) => once(child, "message"));
  for (const child of children) child.send("call");
  await Promise.all(done);
  const ms = performance.now() - startedAt;
  const ended = children.map((child) => once(child, "exit"));
  for (const child of children) child.disconnect();
  await Promise.all(ended);
  return { requests: endpoint.requests - before, ms };
}

/** Starts a token endpoint that counts its requests. */
export async function startTokenEndpoint() {
  const endpoint = { requests: 0, url: "", server: undefined };
  endpoint.server = createServer((request, response) => {
    request.resume();
    endpoint.requests += 1;
    const body = { access_token: `token-${endpoint.requests}`, token_type: "Bearer", expires_in: 599 };
    setTimeout(() => {
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify(body));
    }, ANSWER_MS);
  });
  endpoint.server.listen(0, "127.0.0.1");
  await once(endpoint.server, "listening");
  endpoint.url = `http://127.0.0.1:${endpoint.server.address().port}/oauth/token`;
  return endpoint;
}

/** Resolves to undefined where there is no `redis-server`. */
async function startRedis(folder) {
  const port = await freePort();
  const args = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder];
  const child = spawn("redis-server", args, { stdio: ["ignore", "pipe", "ignore"] });
  const isReady = await new Promise((resolve) => {
    child.once("error", () => resolve(false));
    child.once("exit", () => resolve(false));
    child.stdout.on("data", (text) => {
      if (String(text).includes("Ready to accept connections")) resolve(true);
    });
  });
  return isReady ? { port, child } : undefined;
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}
