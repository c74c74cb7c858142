/** @import { Context } from "./context.mjs" */

/**
 * One cell of a table: one thing that is tried in one place.
 * @typedef {object} Cell
 * @property {string} table The title of its table.
 * @property {string} row
 * @property {string} column
 * @property {(context: Context) => Promise<void>} run Rejects when the thing does not work, with a message that says what
 *   was found. Rejects with a {@link NotHere} when this machine cannot run it.
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
