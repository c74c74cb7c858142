import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expressApps } from "./express-apps.mjs";
import { rawRequests } from "./raw-requests.mjs";
import { inTurns } from "./turns.mjs";

const CONNECTIONS = 16;
/** The best round counts: it is the one that other work on the machine disturbed least. */
const ROUNDS = 20;
const ROUND_MS = 150;

/** Long enough for V8 to compile the hot code. */
const WARM_UP_MS = 1_000;

/** Measures Express apps with and without middleware before their handler, each in a process of its own. */
export async function expressRequests() {
  const servers = {};
  try {
    for (const name of Object.keys(expressApps)) servers[name] = await startServer(name);
    const measures = Object.fromEntries(
      Object.entries(servers).map(([name, server]) => [name, () => measure(server)]),
    );
    for (const { requests } of Object.values(servers)) await requests.send(WARM_UP_MS);
    return linesOf(await inTurns(measures, ROUNDS));
  } finally {
    for (const { child, requests } of Object.values(servers)) {
      requests.close();
      child.kill();
    }
  }
}

async function startServer(name) {
  const child = fork(fileURLToPath(new URL("./express-server.mjs", import.meta.url)), [name]);
  const [{ port, headers }] = await once(child, "message");
  return { child, requests: await rawRequests({ port, path: "/users", headers, connections: CONNECTIONS }) };
}

async function measure({ child, requests }) {
  const cpuUs = await cpuOf(child);
  const ownCpu = process.cpuUsage();
  const startedAt = performance.now();
  const count = await requests.send(ROUND_MS);
  const elapsedMs = performance.now() - startedAt;
  const { user, system } = process.cpuUsage(ownCpu);
  return {
    perSecond: (count * 1_000) / elapsedMs,
    cpuUs: ((await cpuOf(child)) - cpuUs) / count,
    load: (user + system) / 1_000 / elapsedMs,
  };
}

async function cpuOf(child) {
  child.send("cpu");
  const [cpuUs] = await once(child, "message");
  return cpuUs;
}

function linesOf(seen) {
  const best = Object.fromEntries(
    Object.entries(seen).map(([name, rounds]) => [
      name,
      {
        perSecond: Math.max(...rounds.map(({ perSecond }) => perSecond)),
        cpuUs: Math.min(...rounds.map(({ cpuUs }) => cpuUs)),
      },
    ]),
  );
  const load = Math.max(...Object.values(seen).flatMap((rounds) => rounds.map((round) => round.load)));
  const lines = [
    `Express, ${CONNECTIONS} connections, as ratios (1 is no cost; best of ${ROUNDS} rounds in turns; the load took ${(load * 100).toFixed(0)} % of another core at most)`,
  ];
  for (const [floor, others] of [
    ["bare", Object.keys(best).filter((name) => name !== "bare")],
    ["express-session", Object.keys(best).filter((name) => name.includes("login"))],
  ]) {
    const { perSecond, cpuUs } = best[floor];
    lines.push(`  ${floor}: ${perSecond.toFixed(0)}/s, ${cpuUs.toFixed(0)} µs of CPU per request`);
    for (const name of others) {
      const ratio = (of) => (best[name][of] / best[floor][of]).toFixed(2);
      lines.push(
        `    ${name.padEnd(52)} requests/s ${ratio("perSecond")}   CPU per request ${ratio("cpuUs")}`,
      );
    }
  }
  return lines;
}
