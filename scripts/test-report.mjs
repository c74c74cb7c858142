import { stripVTControlCharacters } from "node:util";

/**
 * Tests, and checks such as lint.
 * @typedef {{ passed: number, failed: number, skipped: number }} Counts
 */

/**
 * What failed, and where.
 * @typedef {object} Failure
 * @property {string} step The part of the command, such as "tests on the build".
 * @property {string} [file] Empty for an error outside of all files.
 * @property {string} [name] Of the test.
 * @property {string} message
 */

/**
 * What a step or a command has found.
 * @typedef {{ counts: Counts, failures: readonly Failure[] }} Result
 */

// CI shows the last 90 lines or so of an output: what failed has to fit in there.
const MESSAGE_LINES = 8;
const MESSAGE_LENGTH = 700;
const LIST_LENGTH = 4000;

/**
 * Adds up.
 * @param {readonly Counts[]} all
 * @returns {Counts}
 */
export function sumCounts(all) {
  const sum = { passed: 0, failed: 0, skipped: 0 };
  for (const { passed, failed, skipped } of all) {
    sum.passed += passed;
    sum.failed += failed;
    sum.skipped += skipped;
  }
  return sum;
}

/**
 * The last line of a test command.
 * @param {Counts} counts
 */
export const formatCounts = ({ passed, failed, skipped }) =>
  `${passed} passed, ${failed} failed, ${skipped} skipped`;

/**
 * What a whole command has found.
 * @param {string} command
 * @param {Result | undefined} result What it has written; undefined when it ended before.
 * @param {boolean} isOk Whether it ended with 0. A command that did not, and knows no failure, counts as one.
 * @returns {Result}
 */
export function readResult(command, result, isOk) {
  const { counts, failures } = result ?? { counts: { passed: 0, failed: 0, skipped: 0 }, failures: [] };
  if (result !== undefined && (isOk || counts.failed > 0)) return { counts, failures };
  const message = "It ended with an error, and before its result: see its output.";
  return {
    counts: { ...counts, failed: counts.failed + 1 },
    failures: [...failures, { step: command, message }],
  };
}

/**
 * The counts and the failures of a run of the suites.
 * @param {string} step
 * @param {any} report What `vitest-report.mjs` has written; undefined when the run ended before.
 * @param {boolean} isOk Whether the run ended with 0.
 * @returns {Result}
 */
export function readReport(step, report, isOk) {
  const { passed, failed, skipped, failures } = report ?? { passed: 0, failed: 0, skipped: 0, failures: [] };
  const listed = failures.map((failure) => ({ step, ...failure }));
  if (!isOk && listed.length === 0) {
    listed.push({ step, message: "The run ended with an error, and without a failed test: see its output." });
  }
  // A file that does not load, a hook that fails and an unhandled error are no tests, but failures.
  return { counts: { passed, failed: isOk ? failed : Math.max(failed, 1), skipped }, failures: listed };
}

/**
 * Lists what failed, without colours, in at most about 4,000 characters.
 * @param {readonly Failure[]} failures
 */
export function listFailures(failures) {
  let list = "";
  for (const [index, { step, file, name, message }] of failures.entries()) {
    const title = [step, file, name].filter(Boolean).join(" > ");
    const entry = `${index + 1}. ${title}\n${shorten(message)}\n`;
    if (list.length + entry.length > LIST_LENGTH) {
      return `${list}And ${failures.length - index} more: see the output above.\n`;
    }
    list += entry;
  }
  return list;
}

/**
 * The end of a tool's output, where most tools say what is wrong.
 * @param {string} output
 */
export function lastLines(output) {
  const lines = stripVTControlCharacters(output)
    .split("\n")
    .filter((line) => line.trim() !== "");
  return lines.slice(-MESSAGE_LINES).join("\n");
}

/** @param {string} message */
function shorten(message) {
  const lines = stripVTControlCharacters(message)
    .split("\n")
    .filter((line) => line.trim() !== "");
  const kept = lines.slice(0, MESSAGE_LINES);
  const text = kept.map((line) => `   ${line}`).join("\n");
  if (text.length > MESSAGE_LENGTH) return `${text.slice(0, MESSAGE_LENGTH)} …`;
  return kept.length < lines.length ? `${text}\n   …` : text;
}
