import type { UserConfig } from "tsdown";

/** What every published package is built to: ES modules and CommonJS, each with its own declarations. */
export const library: UserConfig = {
  entry: ["src/index.ts"],
  format: ["esm", "cjs"],
  platform: "neutral",
  target: "node20.19",
  dts: true,
  sourcemap: true,
  clean: true,
  fixedExtension: false,
};
