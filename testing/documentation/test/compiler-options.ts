import { join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const workspace = fileURLToPath(new URL("../../..", import.meta.url));

/** As strict as a user's project can be, so that no example needs a cast there. */
export const EXAMPLE_OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  lib: ["lib.es2023.d.ts", "lib.esnext.disposable.d.ts"],
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  types: ["node"],
  typeRoots: [join(workspace, "node_modules/@types")],
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: true,
  noEmit: true,
};
