import { defineConfig } from "tsdown";

export default defineConfig({
  entry: ["src/cold-worker.ts", "src/chaos-worker.ts", "src/chaos-command.ts"],
  format: "esm",
  platform: "node",
  target: "node20.19",
  fixedExtension: false,
});
