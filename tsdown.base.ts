import type { Rolldown, UserConfig } from "tsdown";

/**
 * Escapes what is not ASCII in the JavaScript. One character beyond Latin-1 makes V8 keep the whole file with two bytes a
 * character, and the import of core took a fifth longer.
 */
const inAscii: Rolldown.Plugin = {
  name: "in-ascii",
  generateBundle(_options, bundle) {
    for (const file of Object.values(bundle)) {
      if (file.type !== "chunk" || !/\.c?js$/.test(file.fileName)) continue;
      file.code = file.code.replace(
        /[^\0-\x7f]/g,
        (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
      );
    }
  },
};

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
  plugins: [inAscii],
  clean: true,
  fixedExtension: false,
};

/**
 * For a package whose types name `Symbol.asyncDispose`: TypeScript loads the library that declares it, also where `lib`
 * leaves it out. The bundler of the declarations drops such a line in a source file.
 */
export const disposable: UserConfig = { banner: { dts: '/// <reference lib="esnext.disposable" />' } };
