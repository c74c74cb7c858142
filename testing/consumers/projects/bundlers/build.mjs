// `node build.mjs BUNDLER ENTRY FORMAT`: bundles an entry with all that it imports into `out`, and prints each warning.
const [bundler, entry, format] = process.argv.slice(2);
const isModule = format === "esm";
const name = `${bundler}-${entry}`;
const file = `${name}.${isModule ? "mjs" : "cjs"}`;
const chunkFileNames = `${name}-[hash].${isModule ? "mjs" : "cjs"}`;
const input = `./${entry}.mjs`;

const bundlers = {
  async esbuild() {
    const { build } = await import("esbuild");
    const { warnings } = await build({
      entryPoints: [input],
      outfile: `out/${file}`,
      bundle: true,
      platform: "node",
      format,
      logLevel: "silent",
      // What esbuild's manual says of CommonJS packages, such as form-data, in an ES module for Node.
      banner: isModule
        ? {
            js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
          }
        : {},
    });
    return warnings.map(({ text, location }) => `${location?.file}: ${text}`);
  },

  async rollup() {
    const { rollup } = await import("rollup");
    const { default: commonjs } = await import("@rollup/plugin-commonjs");
    const { default: json } = await import("@rollup/plugin-json");
    const { default: nodeResolve } = await import("@rollup/plugin-node-resolve");
    const warnings = [];
    const bundle = await rollup({
      input,
      plugins: [nodeResolve({ exportConditions: ["node"], preferBuiltins: true }), commonjs(), json()],
      onwarn: ({ message }) => warnings.push(message),
    });
    await bundle.write({ dir: "out", entryFileNames: file, chunkFileNames, format });
    return warnings;
  },

  async rolldown() {
    const { rolldown } = await import("rolldown");
    const warnings = [];
    const bundle = await rolldown({
      input,
      platform: "node",
      onLog: (level, { message }) => level === "warn" && warnings.push(message),
    });
    await bundle.write({ dir: "out", entryFileNames: file, chunkFileNames, format });
    return warnings;
  },

  async vite() {
    const { build, createLogger } = await import("vite");
    const warnings = [];
    const customLogger = createLogger("silent");
    customLogger.warn = (message) => warnings.push(message);
    await build({
      configFile: false,
      logLevel: "warn",
      customLogger,
      ssr: { noExternal: true },
      build: {
        ssr: input,
        outDir: "out",
        emptyOutDir: false,
        rolldownOptions: {
          output: { format, entryFileNames: file, chunkFileNames },
        },
      },
    });
    return warnings;
  },

  async webpack() {
    const { default: webpack } = await import("webpack");
    return bundleLikeWebpack(webpack);
  },

  async rspack() {
    const { rspack } = await import("@rspack/core");
    return bundleLikeWebpack(rspack);
  },
};

/** Webpack, and Rspack, which takes the same configuration. */
async function bundleLikeWebpack(compile) {
  const stats = await new Promise((resolve, reject) => {
    const done = (error, stats) => (error ? reject(error) : resolve(stats));
    compile(
      {
        mode: "production",
        target: "node20",
        context: process.cwd(),
        entry: input,
        output: {
          path: `${process.cwd()}/out`,
          filename: file,
          chunkFilename: `${name}-[id].${file.split(".")[1]}`,
          ...(isModule && { module: true, chunkFormat: "module", library: { type: "module" } }),
        },
        ...(isModule && { experiments: { outputModule: true } }),
      },
      done,
    );
  });
  const { errors, warnings } = stats.toJson({ all: false, errors: true, warnings: true });
  if (errors.length > 0) throw new Error(errors.map(({ message }) => message).join("\n"));
  return warnings.map(({ moduleName, message }) => `${moduleName}: ${message}`);
}

const warnings = await bundlers[bundler]();
for (const warning of warnings) console.log(warning);
