import { defineConfig } from "tsdown";
import { disposable, library } from "../../tsdown.base.ts";

// The command is run, never required, so it is built to one format only.
export default defineConfig({
  ...library,
  ...disposable,
  platform: "node",
  format: { esm: { entry: { index: "src/index.ts", cli: "src/cli/cli.ts" } }, cjs: {} },
});
