import { defineConfig, type Rolldown } from "tsdown";
import { disposable, library } from "../../tsdown.base.ts";

/** Leaves out the source maps of jose's files: they name sources that this package does not contain. */
const withoutMapsOfJose: Rolldown.Plugin = {
  name: "without-maps-of-jose",
  generateBundle(_options, bundle) {
    for (const file of Object.values(bundle)) {
      if (file.type !== "chunk" || !file.moduleIds.every((id) => /[\\/]node_modules[\\/]/.test(id))) continue;
      file.code = file.code.replace(/\n\/\/# sourceMappingURL=.*\s*$/, "");
      delete bundle[`${file.fileName}.map`];
    }
  },
};

export default defineConfig([
  { ...library, ...disposable, format: "esm" },
  {
    ...library,
    ...disposable,
    format: "cjs",
    // jose is an ES module. CommonJS would have to import() it, which Jest's modules cannot do without a flag of Node's;
    // so the parts in use come along, in files of their own that are loaded when first needed.
    deps: { alwaysBundle: /^jose(?:\/|$)/, onlyBundle: ["jose"] },
    plugins: [library.plugins, withoutMapsOfJose],
    copy: [{ from: "node_modules/jose/LICENSE.md", to: "dist", rename: "jose.LICENSE.md" }],
  },
]);
