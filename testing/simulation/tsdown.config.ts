import { defineConfig } from "tsdown";

export default defineConfig({
  entry: ["src/simulate.ts", "src/capacity.ts"],
  format: "esm",
  platform: "node",
  target: "node20.19",
  fixedExtension: false,
  // Core's sources, not its build: the simulation is run while they are worked on.
  deps: { alwaysBundle: ["@talkdesk-oauth/core"] },
  inputOptions: { resolve: { conditionNames: ["@talkdesk-oauth/source", "import"] } },
});
