import { fork } from "node:child_process";
import { once } from "node:events";
import { Agent as HttpAgent } from "node:http";
import { fileURLToPath } from "node:url";
import { talkdeskAxios } from "@talkdesk-oauth/axios";
import { accessToken } from "@talkdesk-oauth/core";
import { talkdeskFetch } from "@talkdesk-oauth/fetch";
import { talkdeskUndici } from "@talkdesk-oauth/undici";
import axios from "axios";
import { Agent, request } from "undici";
import { median } from "./cached-token.mjs";

const CONCURRENCY = [1, 16, 64];
/** Slices of bare and authorised calls take turns, so that what the machine does meanwhile meets both. */
const SLICES = 8;
const SLICE_MS = 250;

/** Calls of each adapter beside its bare client with a header that never changes, to a server in another process. */
export async function adapters() {
  const server = fork(fileURLToPath(new URL("./plain-server.mjs", import.meta.url)));
  const [origin] = await once(server, "message");
  const token = accessToken({ value: "a-token-of-the-bench", expiresAt: Date.now() + 599_000 });
  const answer = Promise.resolve(token);
  const source = { api: origin, getToken: () => answer };
  const headers = { authorization: token.authorization };
  const url = `${origin}/users`;

  const agent = new Agent();
  const authorized = agent.compose(talkdeskUndici(source));
  const httpAgent = new HttpAgent({ keepAlive: true });
  const plain = axios.create({ httpAgent });
  const api = axios.create({ httpAgent });
  api.interceptors.request.use(talkdeskAxios(source));
  const ours = talkdeskFetch(source);

  const pairs = {
    fetch: [
      () => fetch(url, { headers }).then((r) => r.arrayBuffer()),
      () => ours(url).then((r) => r.arrayBuffer()),
    ],
    "undici.request": [
      () => request(url, { dispatcher: agent, headers }).then((r) => r.body.arrayBuffer()),
      () => request(url, { dispatcher: authorized }).then((r) => r.body.arrayBuffer()),
    ],
    axios: [() => plain.get(url, { headers }), () => api.get(url)],
  };

  const lines = [
    "Calls with a token held, as ratios to the bare client (1 is no cost; median of slices in turns)",
  ];
  for (const [name, [bare, adapted]] of Object.entries(pairs)) {
    for (const concurrency of CONCURRENCY) {
      await slice(bare, concurrency);
      await slice(adapted, concurrency);
      const rounds = [];
      for (let round = 0; round < SLICES; round++) {
        const first = round % 2 === 0 ? bare : adapted;
        const a = await slice(first, concurrency);
        const b = await slice(first === bare ? adapted : bare, concurrency);
        rounds.push(first === bare ? [a, b] : [b, a]);
      }
      const ratio = (of) =>
        median(
          rounds.map(([x, y]) => of(y) / of(x)),
          (value) => value,
        ).toFixed(2);
      const perSecond = median(
        rounds.map(([x]) => x.perSecond),
        (value) => value,
      ).toFixed(0);
      lines.push(
        `  ${name.padEnd(15)} ${String(concurrency).padStart(2)} at once   bare ${perSecond.padStart(6)}/s   requests/s ${ratio((s) => s.perSecond)}   p99 ${ratio((s) => s.p99Ms)}   CPU per request ${ratio((s) => s.cpuUs)}`,
      );
    }
  }
  await agent.close();
  httpAgent.destroy();
  server.kill();
  return lines;
}

/** Calls for a while, so many at once. */
async function slice(call, concurrency) {
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
