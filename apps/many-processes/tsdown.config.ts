import { defineConfig } from "tsdown";

export default defineConfig({
  entry: ["src/main.ts", "src/portal.ts", "src/worker.ts"],
  format: "esm",
  platform: "node",
  target: "node20.19",
  fixedExtension: false,
});
