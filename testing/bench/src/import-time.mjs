import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { median } from "./median.mjs";

const ROUNDS = 41;
const BASELINE = "@badgateway/oauth2-client";

/**
 * Compares loading core with loading another OAuth client, by `import` and by `require`, in processor time. Each load has
 * a process of its own, and the rounds alternate, so that all meet the same load of the machine.
 */
export async function importTime() {
  const { resolve } = createRequire(import.meta.url);
  const baseline = resolve(BASELINE);
  const core = resolve("@talkdesk-oauth/core");
  const loads = [
    ["module", `await import("${pathToFileURL(baseline)}")`],
    ["module", `await import("${pathToFileURL(core.replace(/\.cjs$/, ".js"))}")`],
    // The other client is ES modules alone, which Node can require.
    ["commonjs", `require(${JSON.stringify(baseline)})`],
    ["commonjs", `require(${JSON.stringify(core)})`],
  ];
  const times = loads.map(() => []);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, [type, load]] of loads.entries()) times[index].push(msToRun(type, load));
  }
  const [importBaseline, importCore, requireBaseline, requireCore] = times.map(median);
  const row = (how, coreMs, baselineMs) =>
    `  ${how}  ${coreMs.toFixed(2)} ms, ${(coreMs / baselineMs).toFixed(2)} of ${baselineMs.toFixed(2)} ms`;
  return [
    `Loading core, beside ${BASELINE} (medians of ${ROUNDS} processes)`,
    row("import ", importCore, importBaseline),
    row("require", requireCore, requireBaseline),
  ];
}

function msToRun(type, load) {
  const script = `const before = process.cpuUsage();
    ${load};
    const { user, system } = process.cpuUsage(before);
    console.log((user + system) / 1000);`;
  const { stdout } = spawnSync(process.execPath, [`--input-type=${type}`, "--eval", script], {
    encoding: "utf8",
  });
  return Number(stdout);
}
