// `pnpm write-sizes` measures what is built, and writes sizes.json.
import { writeFileSync } from "node:fs";
import { measureSizes, SIZES_FILE } from "./sizes.mjs";

writeFileSync(SIZES_FILE, `${JSON.stringify(await measureSizes(), undefined, 2)}\n`);
