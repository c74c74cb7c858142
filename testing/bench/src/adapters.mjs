import { fork } from "node:child_process";
import { once } from "node:events";
import { Agent as HttpAgent } from "node:http";
import { fileURLToPath } from "node:url";
import { accessToken } from "@talkdesk-oauth/core";
import { Agent, request } from "undici";
import { axiosCalls, fetchCalls, undiciCalls } from "./clients.mjs";
import { median } from "./median.mjs";
import { inTurns } from "./turns.mjs";

const CONCURRENCY = [1, 16, 64];
const SLICES = 15;
const SLICE_MS = 150;

/** Compares each adapter with its bare client and a fixed header. The server is another process. */
export async function adapters() {
  const server = fork(fileURLToPath(new URL("./plain-server.mjs", import.meta.url)));
  const [origin] = await once(server, "message");
  const token = accessToken({ value: "a-token-of-the-bench", expiresAt: Date.now() + 599_000 });
  const answer = Promise.resolve(token);
  const agent = new Agent();
  const httpAgent = new HttpAgent({ keepAlive: true });
  const common = {
    url: `${origin}/users`,
    source: { api: origin, getToken: () => answer },
    authorization: token.authorization,
  };
  const clients = {
    fetch: fetchCalls({
      ...common,
      send: fetch,
      read: (response) => response.arrayBuffer(),
    }),
    "undici.request": undiciCalls({
      ...common,
      dispatcher: agent,
      call: (dispatcher, headers) =>
        request(common.url, { dispatcher, headers }).then(({ body }) => body.arrayBuffer()),
    }),
    axios: axiosCalls({ ...common, transport: { httpAgent } }),
  };

  const lines = [
    `Calls with a token held, as ratios to the bare client (1 is no cost; median of ${SLICES} slices in turns)`,
  ];
  for (const [client, calls] of Object.entries(clients)) {
    for (const concurrency of CONCURRENCY) {
      const slices = Object.entries(calls).map(([name, call]) => [name, () => runSlice(call, concurrency)]);
      const { bare, ...others } = await inTurns(Object.fromEntries(slices), SLICES);
      const perSecond = median(bare.map((slice) => slice.perSecond)).toFixed(0);
      const cpuUs = median(bare.map((slice) => slice.cpuUs)).toFixed(0);
      lines.push(`  ${client}, ${concurrency} at once: bare ${perSecond}/s, ${cpuUs} µs of CPU per request`);
      for (const [name, seen] of Object.entries(others)) {
        const ratio = (of) => median(seen.map((slice, index) => of(slice) / of(bare[index]))).toFixed(2);
        lines.push(
          `    ${name.padEnd(34)} requests/s ${ratio((s) => s.perSecond)}   p99 ${ratio((s) => s.p99Ms)}   CPU per request ${ratio((s) => s.cpuUs)}`,
        );
      }
    }
  }
  await agent.close();
  httpAgent.destroy();
  server.kill();
  return lines;
}

/** Calls for a while, `concurrency` calls at once. */
async function runSlice(call, concurrency) {
  const latencies = [];
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  const endAt = startedAt + SLICE_MS;
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      for (let now = performance.now(); now < endAt; ) {
        await call();
        const then = performance.now();
        latencies.push(then - now);
        now = then;
      }
    }),
  );
  const elapsedS = (performance.now() - startedAt) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  latencies.sort((a, b) => a - b);
  return {
    perSecond: latencies.length / elapsedS,
    p99Ms: latencies[Math.floor(latencies.length * 0.99)],
    cpuUs: (user + system) / latencies.length,
  };
}
