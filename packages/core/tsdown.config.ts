import { defineConfig } from "tsdown";
import { library } from "../../tsdown.base.ts";

export default defineConfig([
  { ...library, format: "esm" },
  {
    ...library,
    format: "cjs",
    // jose is an ES module. CommonJS would have to import() it, which Jest's modules cannot do without a flag of Node's;
    // so the parts in use come along, in files of their own that are loaded when first needed.
    deps: { alwaysBundle: /^jose(?:\/|$)/, onlyBundle: ["jose"] },
    copy: [{ from: "node_modules/jose/LICENSE.md", to: "dist", rename: "jose.LICENSE.md" }],
  },
]);
