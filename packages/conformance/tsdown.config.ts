import { defineConfig } from "tsdown";
import { library } from "../../tsdown.base.ts";

// ES modules alone: vitest is no more than that.
export default defineConfig({ ...library, format: ["esm"], platform: "node" });
