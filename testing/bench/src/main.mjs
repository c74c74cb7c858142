// `npm run bench` prints what the packages cost, each beside a floor of the same run. It never fails because of speed.
// `npm run bench -- express` prints one table; `tables` has the names.
import { adapters } from "./adapters.mjs";
import { cachedToken } from "./cached-token.mjs";
import { expressRequests } from "./express.mjs";
import { expressOwnCost } from "./express-own-cost.mjs";
import { importTime } from "./import-time.mjs";
import { manyKeys } from "./many-keys.mjs";
import { manyProcesses } from "./many-processes.mjs";
import { memoryPerSource } from "./memory-per-source.mjs";
import { ownCost } from "./own-cost.mjs";
import { signatures } from "./signatures.mjs";

const tables = {
  "cached-token": cachedToken,
  "import-time": importTime,
  "memory-per-source": memoryPerSource,
  "many-keys": manyKeys,
  "own-cost": ownCost,
  signatures,
  adapters,
  "express-own-cost": expressOwnCost,
  express: expressRequests,
  "many-processes": manyProcesses,
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !Object.hasOwn(tables, name));
if (unknown.length > 0) {
  throw new Error(`There is no table ${unknown.join(", ")}; there are ${Object.keys(tables).join(", ")}.`);
}
for (const [name, measure] of Object.entries(tables)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  for (const line of await measure()) console.log(line);
  console.log("");
}
