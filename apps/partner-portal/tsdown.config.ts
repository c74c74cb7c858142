import { defineConfig } from "tsdown";

export default defineConfig({
  entry: ["src/main.ts", "src/emulator.ts"],
  format: "esm",
  platform: "node",
  target: "node20.19",
  fixedExtension: false,
});
