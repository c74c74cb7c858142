import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import type { Cell } from "../frame/cell.mjs";
import { loadCells } from "../frame/load-cells.mjs";
import { fillTables, tablesOf, titlesIn } from "../frame/tables.mjs";

const cells = await loadCells();
const readPage = (name: string): Promise<string> =>
  readFile(new URL(`../../../${name}`, import.meta.url), "utf8");

describe("the tables of npm run test:everywhere", () => {
  it("have one cell in each place", () => {
    for (const { title, rows, columns } of tablesOf(cells)) {
      for (const row of rows) {
        for (const column of columns) {
          const isHere = (cell: Cell): boolean =>
            cell.table === title && cell.row === row && cell.column === column;
          expect(cells.filter(isHere), `${title} › ${row} › ${column}`).toHaveLength(1);
        }
      }
    }
  });

  it.each(["README.md", "docs/runtimes.md"])("stand in %s as the cells say", async (name) => {
    const page = await readPage(name);
    // Where this fails, `npm run test:everywhere -- --write` runs the cells and writes the page.
    expect(page).toBe(fillTables(page, cells, () => "passed"));
  });

  it("are all in docs/runtimes.md", async () => {
    expect(titlesIn(await readPage("docs/runtimes.md"))).toEqual(
      expect.arrayContaining(tablesOf(cells).map(({ title }) => title)),
    );
  });
});
