import { fileURLToPath } from "node:url";
import ts from "typescript";

const workspace = fileURLToPath(new URL("../../..", import.meta.url));

/** As strict as a user's project can be, so that no example needs a cast there: the `compilerOptions` of a tsconfig.json. */
export const EXAMPLE_SETTINGS = {
  target: "ES2022",
  lib: ["ES2023", "ESNext.Disposable"],
  module: "NodeNext",
  moduleResolution: "NodeNext",
  types: ["node"],
  typeRoots: [`${workspace}node_modules/@types`],
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: true,
};

/** The same for TypeScript's programming interface. */
export const EXAMPLE_OPTIONS: ts.CompilerOptions = ts.convertCompilerOptionsFromJson(
  EXAMPLE_SETTINGS,
  workspace,
).options;
