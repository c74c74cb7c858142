/** @import { Context } from "./context.mjs" */

/**
 * One cell of a table: one thing that is tried in one place.
 * @typedef {object} Cell
 * @property {string} table The title of its table.
 * @property {string} row
 * @property {string} column
 * @property {(context: Context) => Promise<void>} run Rejects when the thing does not work, with a message that says what
 *   was found. Rejects with a {@link NotHere} when this machine cannot run it.
 * @property {boolean} [isLimit] True for a cell that shows that something does not work there; its table says "no".
 */

/**
 * @typedef {object} Outcome
 * @property {Cell} cell
 * @property {"passed" | "failed" | "skipped"} result
 * @property {string} detail Why it failed or was skipped; empty when it passed.
 * @property {number} seconds
 */

/** A cell rejects with this when the machine cannot run it; the cell counts as skipped. The message says why. */
export class NotHere extends Error {}

/** @param {Cell} cell */
export const nameOf = ({ table, row, column }) => `${table} › ${row} › ${column}`;

/**
 * Fails unless two values are equal as JSON.
 * @param {unknown} found
 * @param {unknown} wanted
 */
export function expectSame(found, wanted) {
  const [left, right] = [JSON.stringify(found, undefined, 2), JSON.stringify(wanted, undefined, 2)];
  if (left !== right) throw new Error(`found ${left}\nwanted ${right}`);
}

/**
 * Fails unless a program ends with an error, and says why in these words.
 * @param {Promise<string>} program What `context.run` gave.
 * @param {string} words
 */
export async function expectFailure(program, words) {
  const said = await program.then(
    (output) => `It ended without an error:\n${output}`,
    (error) => error.message,
  );
  if (!said.includes(words)) throw new Error(`found ${said}\nwanted ${words}`);
}
