// Test files of vitest are ES modules; the code that they test may be CommonJS.
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
require("./commonjs.test.cjs");
