import { NotHere } from "./cell.mjs";
import { openContexts } from "./context.mjs";

/** @import { Cell, Outcome } from "./cell.mjs" */
/** @import { Contexts } from "./context.mjs" */

/** How many cells run at a time: one more than the cores of continuous integration, since installations wait for the network. */
const CELLS_AT_A_TIME = 3;

/** How long a cell may take, in milliseconds, with the work that it shares with others. */
const CELL_TIMEOUT_MS = 600_000;

/**
 * Runs cells, several at a time.
 * @param {readonly Cell[]} cells
 * @param {(outcome: Outcome) => void} report Called as each cell ends.
 * @returns {Promise<Outcome[]>} In the order of the cells.
 */
export async function runCells(cells, report) {
  const contexts = await openContexts();
  const end = () => contexts.end().finally(() => process.exit(130));
  process.once("SIGINT", end);
  process.once("SIGTERM", end);
  try {
    /** @type {Map<Cell, Outcome>} */
    const outcomes = new Map();
    const queue = takeTurns(cells);
    const work = async () => {
      for (let cell = queue.shift(); cell; cell = queue.shift()) {
        const outcome = await runCell(cell, contexts);
        outcomes.set(cell, outcome);
        report(outcome);
      }
    };
    await Promise.all(Array.from({ length: CELLS_AT_A_TIME }, work));
    return cells.flatMap((cell) => outcomes.get(cell) ?? []);
  } finally {
    process.off("SIGINT", end);
    process.off("SIGTERM", end);
    await contexts.end();
  }
}

/**
 * Orders cells so that neighbours come from different tables: those of one table often wait for the same installation.
 * @param {readonly Cell[]} cells
 */
function takeTurns(cells) {
  const titles = [...new Set(cells.map(({ table }) => table))];
  const tables = titles.map((title) => cells.filter(({ table }) => table === title));
  const longest = Math.max(0, ...tables.map(({ length }) => length));
  return Array.from({ length: longest }, (_, index) => tables.flatMap((table) => table[index] ?? [])).flat();
}

/**
 * @param {Cell} cell
 * @param {Contexts} contexts
 * @returns {Promise<Outcome>}
 */
async function runCell(cell, contexts) {
  const startedAt = performance.now();
  const late = new AbortController();
  const context = await contexts.open(late.signal);
  /** @param {Outcome["result"]} result */
  const outcome = (result, detail = "") => ({
    cell,
    result,
    detail,
    seconds: (performance.now() - startedAt) / 1000,
  });
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  const timeout = new Promise((_resolve, reject) => {
    timer = setTimeout(() => {
      const error = new Error(`took more than ${CELL_TIMEOUT_MS / 60_000} minutes`);
      late.abort(error);
      reject(error);
    }, CELL_TIMEOUT_MS);
  });
  try {
    await Promise.race([cell.run(context), timeout]);
    return outcome("passed");
  } catch (error) {
    const isNotHere = error instanceof NotHere;
    const detail = error instanceof Error ? error.message : String(error);
    return outcome(isNotHere ? "skipped" : "failed", detail);
  } finally {
    clearTimeout(timer);
    await contexts.close(context);
  }
}
