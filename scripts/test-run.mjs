import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { formatCounts, lastLines, listFailures, readReport, sumCounts } from "./test-report.mjs";
import { record, root } from "./workspace.mjs";

const SLOWEST = 3;

/** @param {number} ms */
const inSeconds = (ms) => `${(ms / 1000).toFixed(1)} s`;

/** @param {string} name */
const reportsOf = (name) => `${root}/reports/${name}`;

/** @param {string} name */
const resultFile = (name) => `${reportsOf(name)}/result.json`;

/**
 * @param {string} path
 * @returns {any} What the file says; undefined when there is none.
 */
const readJson = (path) => (existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : undefined);

/**
 * Forgets what a test command has found before.
 * @param {string} name
 */
export const forgetResult = (name) => rmSync(resultFile(name), { force: true });

/**
 * @param {string} name
 * @returns {import("./test-report.mjs").Result | undefined} What a test command has found; undefined when it did not end.
 */
export const findResult = (name) => readJson(resultFile(name));

/**
 * Starts a test command: a sequence of named steps, whose failures, times and counts stand at the end of its output.
 * @param {string} name Names the folder of its reports, in `reports/`.
 */
export function startTestRun(name) {
  const reports = reportsOf(name);
  rmSync(reports, { recursive: true, force: true });
  mkdirSync(reports, { recursive: true });

  /** @type {import("./test-report.mjs").Counts[]} */
  const counts = [];
  /** @type {import("./test-report.mjs").Failure[]} */
  const failures = [];
  /** @type {string[]} */
  const notes = [];
  /** @type {{ step: string, ms: number }[]} */
  const times = [];
  const startedAt = performance.now();

  /**
   * @param {string} step
   * @param {() => Promise<boolean>} work Whether it found no failure.
   */
  async function time(step, work) {
    const began = performance.now();
    console.log(`\n── ${step}`);
    const isOk = await work();
    const ms = performance.now() - began;
    times.push({ step, ms });
    console.log(`── ${step}: ${isOk ? "ok" : "FAILED"}, ${inSeconds(ms)}`);
    return isOk;
  }

  return {
    /**
     * One check: counts as one test.
     * @param {string} step
     * @param {() => Promise<{ isOk: boolean, output: string }>} work
     */
    check: (step, work) =>
      time(step, async () => {
        const { isOk, output } = await work();
        counts.push({ passed: isOk ? 1 : 0, failed: isOk ? 0 : 1, skipped: 0 });
        if (!isOk) failures.push({ step, message: lastLines(output) });
        return isOk;
      }),

    /**
     * One run of suites: counts as the tests in it.
     * @param {string} step
     * @param {readonly string[]} args For vitest.
     * @param {string} [node] The Node to run it with.
     */
    suites: (step, args, node = process.execPath) =>
      time(step, async () => {
        const path = `${reports}/${step.replaceAll(/\W+/g, "-")}.json`;
        const vitest = `${root}/node_modules/vitest/vitest.mjs`;
        const reporters = ["--reporter=minimal", "--reporter=./scripts/vitest-report.mjs"];
        const { isOk } = await record(node, [vitest, "run", ...args, ...reporters], { TEST_REPORT: path });
        const found = readReport(step, readJson(path), isOk);
        counts.push(found.counts);
        failures.push(...found.failures);
        return isOk;
      }),

    /**
     * One run of cells of tables: counts as the cells in it.
     * @param {string} step
     * @param {() => Promise<readonly import("../testing/consumers/frame/cell.mjs").Outcome[]>} work
     */
    cells: (step, work) =>
      time(step, async () => {
        const outcomes = await work();
        for (const outcome of outcomes)
          counts.push({ passed: 0, failed: 0, skipped: 0, [outcome.result]: 1 });
        const failed = outcomes.filter(({ result }) => result === "failed");
        for (const { cell, detail } of failed) {
          failures.push({ step: cell.table, file: cell.row, name: cell.column, message: detail });
        }
        return failed.length === 0;
      }),

    /**
     * Says at the end what a reader of the result has to know.
     * @param {string} text
     */
    note: (text) => notes.push(text),

    /** Prints the times, the notes, what failed, and the counts; sets the exit code. */
    end() {
      const slowest = times
        .sort((one, other) => other.ms - one.ms)
        .slice(0, SLOWEST)
        .map(({ step, ms }) => `${step} ${inSeconds(ms)}`);
      console.log(`\nTook ${inSeconds(performance.now() - startedAt)}. Slowest: ${slowest.join("; ")}.`);
      for (const note of notes) console.log(note);
      console.log(
        failures.length === 0 ? "\nEverything holds." : `\nWhat failed:\n${listFailures(failures)}`,
      );
      const sum = sumCounts(counts);
      console.log(formatCounts(sum));
      writeFileSync(resultFile(name), JSON.stringify({ counts: sum, failures }));
      process.exitCode = sum.failed === 0 ? 0 : 1;
    },
  };
}
