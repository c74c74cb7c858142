// `npm run performance` measures the packages beside their peers, and writes docs/performance.md with its plots. Takes about
// 20 minutes; use no other program meanwhile. `--before <commit>` measures the packages of a commit as well; `--render` writes the
// page again from the last measurement. `--rounds <number>` makes so many rounds, however long they take.
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { measureKeys } from "./many-keys.mjs";
import { runProcesses, startTokenEndpoint } from "./many-processes.mjs";
import { measureSources, TOKEN_LENGTHS } from "./memory-per-source.mjs";
import { APPS, openPeers, SUBJECTS } from "./peers.mjs";
import { renderPage } from "./performance-page.mjs";
import { measureSignatures } from "./signatures.mjs";

/** As many rounds as fit into the time, within these bounds. */
const ROUNDS = { least: 3, most: 9 };
/** When the last round ends, at the latest, unless more are needed: with the build before, 20 minutes. */
const LAST_ROUND_ENDS_MS = 18 * 60_000;
const GROWTH_ROUNDS = 3;
const SIGNATURE_ROUNDS = 15;
const { values: given } = parseArgs({
  options: { before: { type: "string" }, render: { type: "boolean" }, rounds: { type: "string" } },
});
const bounds =
  given.rounds === undefined ? ROUNDS : { least: Number(given.rounds), most: Number(given.rounds) };
const growthRounds = Math.min(GROWTH_ROUNDS, bounds.most);
const startedAt = performance.now();
const file = (path) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
const resultsFile = file("reports/performance.json");

if (!given.render) {
  mkdirSync(dirname(resultsFile), { recursive: true });
  writeFileSync(resultsFile, JSON.stringify(await measureAll(), undefined, 2));
} else if (!existsSync(resultsFile)) {
  throw new Error("There is no measurement yet: run npm run performance without --render.");
}
const { page, plots } = renderPage(JSON.parse(readFileSync(resultsFile, "utf8")));
mkdirSync(file("docs/performance"), { recursive: true });
writeFileSync(file("docs/performance.md"), page);
for (const [name, svg] of Object.entries(plots)) writeFileSync(file(`docs/performance/${name}.svg`), svg);
report("docs/performance.md is written");

function report(what) {
  console.log(`${((performance.now() - startedAt) / 1000).toFixed(0).padStart(5)} s  ${what}`);
}

async function measureAll() {
  const peers = await openPeers(given.before);
  report("the packages and their peers are installed");
  const names = Object.keys(SUBJECTS);
  const olds = given.before === undefined ? [] : ["axios", "fetch", "undici"];
  const again = ["bare-axios again", "bare-fetch again", "bare-undici again"];
  const againApps = ["express-session again"];
  const oldApps = given.before === undefined ? [] : ["talkdesk-express (before)"];
  const all = [...names, ...again, ...olds.map((name) => `talkdesk-${name} (before)`)];
  try {
    const counts = await measureCounts(peers, [...names, "talkdesk-fetch again"]);
    const signatures = await measureSignatures(SIGNATURE_ROUNDS);
    report("signatures");
    const growth = {
      accounts: await measureAccounts(),
      sources: await measureMemory(),
      keys: await measureKeys(),
      concurrency: await measureSizes(peers, "concurrency", [1, 10, 100, 1_000]),
      body: await measureSizes(peers, "body", [1e3, 1e4, 1e5, 1e6, 1e7, 5e7]),
      processes: await measureProcesses(),
    };
    const rounds = await measureRounds({
      local: { names: all, measure: (name) => peers.measure(name, "local") },
      warm: { names: all, measure: (name) => peers.measure(name, "warm") },
      apps: { names: [...APPS, ...againApps, ...oldApps], measure: (name) => peers.measureApp(name) },
    });
    return {
      node: process.versions.node,
      cores: availableParallelism(),
      before: given.before,
      rounds: rounds.apps[APPS[0]].length,
      growthRounds,
      counts,
      signatures,
      growth,
      ...rounds,
    };
  } finally {
    await peers.close();
  }
}

/** Counts requests and successes: they do not depend on the speed of the machine, so one run will do. */
async function measureCounts(peers, names) {
  const counts = {};
  for (const name of names.filter((each) => !each.startsWith("bare-"))) {
    counts[name] = {};
    for (const scenario of ["cold", "revoked", "late"]) {
      counts[name][scenario] = await peers.measure(name, scenario);
    }
    report(`counts of ${name}`);
  }
  return counts;
}

/** Measures the subjects of several tables in rounds, as many as there is time for. */
async function measureRounds(tables) {
  const seen = Object.fromEntries(
    Object.entries(tables).map(([table, { names }]) => [table, emptyListOfEach(names)]),
  );
  let longestMs = 0;
  for (let round = 0; round < bounds.most; round++) {
    const begunAt = performance.now();
    if (round >= bounds.least && begunAt - startedAt + longestMs > LAST_ROUND_ENDS_MS) break;
    for (const [table, { names, measure }] of Object.entries(tables)) {
      await measureOnce(seen[table], names, round, measure);
      report(`${table}: round ${round + 1}`);
    }
    longestMs = Math.max(longestMs, performance.now() - begunAt);
  }
  return seen;
}

/** Measures subjects in turns, each in a new process. Each round begins with another one. */
async function measureOnce(seen, names, round, measure) {
  for (let turn = 0; turn < names.length; turn++) {
    const name = names[(round * 3 + turn) % names.length];
    const { us, cpuUs } = await measure(name);
    seen[name].push({ us, cpuUs });
  }
}

function emptyListOfEach(names) {
  return Object.fromEntries(names.map((name) => [name, []]));
}

async function measureSizes(peers, scenario, sizes) {
  const names = ["axios", "fetch", "undici"].flatMap((name) => [`bare-${name}`, `talkdesk-${name}`]);
  const all = [...names, "bare-fetch again"];
  const seen = {};
  for (const size of sizes) {
    const chosen = `${scenario}=${size}`;
    seen[size] = emptyListOfEach(all);
    for (let round = 0; round < growthRounds; round++) {
      await measureOnce(seen[size], all, round, (name) => peers.measure(name, chosen));
    }
    report(chosen);
  }
  return seen;
}

async function measureAccounts() {
  const script = fileURLToPath(new URL("many-accounts.mjs", import.meta.url));
  const seen = {};
  for (const accounts of [1, 10, 100, 1_000, 10_000, 100_000]) {
    seen[accounts] = [];
    for (let round = 0; round < growthRounds; round++) {
      const args = ["--expose-gc", script, String(accounts)];
      seen[accounts].push(JSON.parse((await promisify(execFile)(process.execPath, args)).stdout));
    }
    report(`${accounts} accounts`);
  }
  return seen;
}

/** Measures the bytes of an idle source, for tokens of several lengths. */
async function measureMemory() {
  const seen = {};
  for (const length of TOKEN_LENGTHS) {
    seen[length] = await measureSources(length);
    report(`sources with tokens of ${length} characters`);
  }
  return seen;
}

async function measureProcesses() {
  const seen = {};
  for (const processes of [1, 2, 4, 8]) {
    const alone = await startTokenEndpoint();
    seen[processes] = {
      alone: await runProcesses(alone, {}, processes),
      shared: await withSqliteFile((settings) => runProcesses(alone, settings, processes)),
    };
    alone.server.close();
    report(`${processes} processes`);
  }
  return seen;
}

async function withSqliteFile(work) {
  const folder = await mkdtemp(`${tmpdir()}/talkdesk-oauth-performance-`);
  try {
    return await work({ SQLITE_FILE: `${folder}/tokens.db` });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
