import { readdir } from "node:fs/promises";

/** @import { Cell } from "./cell.mjs" */

const folder = new URL("../cells/", import.meta.url);

/**
 * Loads the cells that the files of `cells` export as `cells`, by the files' names in alphabetical order.
 * @returns {Promise<Cell[]>}
 */
export async function loadCells() {
  const files = (await readdir(folder)).filter((file) => file.endsWith(".mjs")).sort();
  const groups = await Promise.all(files.map((file) => import(new URL(file, folder).href)));
  return groups.flatMap((group) => group.cells);
}
