// `npm run capacity`: prints the table of docs/many-processes.md. With --write, writes it there, and the plot beside it.
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { DEPLOYMENT } from "./capacity-model.js";
import { capacityPlot, capacityTable, summarize } from "./capacity-report.js";

const { values } = parseArgs({ options: { write: { type: "boolean", default: false } } });
const summaries = summarize(DEPLOYMENT, 1);
const table = capacityTable(summaries);
console.log(table);
if (values.write) {
  const docs = new URL("../../../docs/", import.meta.url);
  writeFileSync(new URL("many-processes.svg", docs), capacityPlot(summaries));
  const page = new URL("many-processes.md", docs);
  const text = readFileSync(page, "utf8");
  writeFileSync(
    page,
    text.replace(/\| processes with[\s\S]*?\n\n/, () => `${table}\n\n`),
  );
}
