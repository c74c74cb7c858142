import { drawMarkdownTable } from "../../../scripts/markdown-table.mjs";

/** @import { Cell, Outcome } from "./cell.mjs" */

/** @typedef {Outcome["result"]} Result */

/** What stands in a table for each result. */
const MARKS = { passed: "✓", failed: "✗", skipped: "–" };

/** A place in a Markdown file for one table: `<!-- table: Runtimes -->` up to `<!-- end of table -->`. */
const PLACE = /(<!-- table: (.+) -->\n)[\s\S]*?(<!-- end of table -->)/g;

/**
 * @typedef {object} Table
 * @property {string} title
 * @property {readonly string[]} rows
 * @property {readonly string[]} columns
 * @property {(row: string, column: string) => Cell | undefined} find
 */

/**
 * Sorts cells into their tables; rows and columns stand in the order of the cells.
 * @param {readonly Cell[]} cells
 * @returns {Table[]}
 */
export function tablesOf(cells) {
  return [...new Set(cells.map(({ table }) => table))].map((title) => {
    const own = cells.filter(({ table }) => table === title);
    return {
      title,
      rows: [...new Set(own.map(({ row }) => row))],
      columns: [...new Set(own.map(({ column }) => column))],
      find: (row, column) => own.find((cell) => cell.row === row && cell.column === column),
    };
  });
}

/**
 * Draws a table in Markdown.
 * @param {Table} table
 * @param {(cell: Cell) => Result | undefined} resultOf Undefined for a cell that did not run.
 */
export function drawTable({ rows, columns, find }, resultOf) {
  const lines = [
    ["", ...columns],
    ...rows.map((row) => [row, ...columns.map((column) => mark(row, column))]),
  ];
  /** @param {string} row @param {string} column */
  function mark(row, column) {
    const cell = find(row, column);
    const result = cell && resultOf(cell);
    if (result === "passed" && cell?.isLimit) return "no";
    return result ? MARKS[result] : " ";
  }
  return drawMarkdownTable(lines);
}

/**
 * Draws the tables of a Markdown file anew, but for those with a cell that did not run.
 * @param {string} markdown
 * @param {readonly Cell[]} cells
 * @param {(cell: Cell) => Result | undefined} resultOf
 * @throws Error when the file has a place for a table that no cell names.
 */
export function fillTables(markdown, cells, resultOf) {
  const tables = tablesOf(cells);
  return markdown.replace(PLACE, (before, begin, title, end) => {
    const table = tables.find((each) => each.title === title);
    if (!table) throw new Error(`No cell is in a table called ${title}.`);
    const results = cells.filter((cell) => cell.table === title).map(resultOf);
    if (results.some((result) => result === undefined || result === "skipped")) return before;
    return `${begin}\n${drawTable(table, resultOf)}\n\n${end}`;
  });
}

/**
 * The titles of the tables that a Markdown file has places for.
 * @param {string} markdown
 */
export const titlesIn = (markdown) => [...markdown.matchAll(PLACE)].map(([, , title]) => title);
