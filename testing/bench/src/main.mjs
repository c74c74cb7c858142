// `pnpm bench`: prints what the packages cost, each beside a floor of the same run. Nothing here can fail on speed.
import { adapters } from "./adapters.mjs";
import { bundleSize } from "./bundle-size.mjs";
import { cachedToken } from "./cached-token.mjs";
import { importTime } from "./import-time.mjs";
import { memoryPerSource } from "./memory-per-source.mjs";
import { ownCost } from "./own-cost.mjs";

for (const measure of [cachedToken, importTime, bundleSize, memoryPerSource, ownCost, adapters]) {
  for (const line of await measure()) console.log(line);
  console.log("");
}
