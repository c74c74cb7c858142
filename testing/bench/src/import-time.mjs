import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { median } from "./median.mjs";

const ROUNDS = 15;

/** Compares the import of core with that of an empty module, each in a process of its own. */
export async function importTime() {
  const empty = join(tmpdir(), `empty-${process.pid}.mjs`);
  writeFileSync(empty, "");
  const core = createRequire(import.meta.url)
    .resolve("@talkdesk-oauth/core")
    .replace(/\.cjs$/, ".js");
  const times = { empty: [], core: [] };
  for (let round = 0; round < ROUNDS; round++) {
    times.empty.push(msToImport(pathToFileURL(empty)));
    times.core.push(msToImport(pathToFileURL(core)));
  }
  const [emptyMs, coreMs] = [times.empty, times.core].map(median);
  return [
    `Import (median of ${ROUNDS} processes)`,
    `  empty module           ${emptyMs.toFixed(2)} ms`,
    `  @talkdesk-oauth/core   ${coreMs.toFixed(2)} ms`,
  ];
}

function msToImport(url) {
  const script = `const t = performance.now(); await import(${JSON.stringify(url.href)}); console.log(performance.now() - t)`;
  const { stdout } = spawnSync(process.execPath, ["--input-type=module", "--eval", script], {
    encoding: "utf8",
  });
  return Number(stdout);
}
