import type { UserConfig } from "tsdown";

/** What every published package is built to: ES modules and CommonJS, each with its own declarations. */
export const library: UserConfig = {
  entry: ["src/index.ts"],
  format: ["esm", "cjs"],
  platform: "neutral",
  target: "node20.19",
  // For an editor, "go to definition" leads to `src`.
  dts: { sourcemap: true },
  sourcemap: true,
  outputOptions: {
    // Maps name the files of `src`, which each package contains.
    sourcemapExcludeSources: true,
    // Docstrings are in the declarations. In JavaScript, each import would read past them.
    comments: { jsdoc: false },
  },
  clean: true,
  fixedExtension: false,
};
