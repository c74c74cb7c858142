import { defineConfig } from "tsdown";
import { disposable, library } from "../../tsdown.base.ts";

// ES modules alone: vitest is no more than that.
export default defineConfig({ ...library, ...disposable, format: ["esm"], platform: "node" });
