import { runInThisContext } from "node:vm";
import type Provider from "oidc-provider";

/** The library that engines are made with. */
export interface EngineLibrary {
  readonly Provider: typeof Provider;
  /** Copies the plain objects in a value, so that the library recognises them as plain. */
  toPlain<Value>(value: Value): Value;
}

let loading: Promise<EngineLibrary> | undefined;

/**
 * Loads oidc-provider, once, on first use.
 *
 * Below Node 22 it prints a warning that the runtime is not supported, although it works there. This one line is hidden.
 */
export function loadEngineLibrary(): Promise<EngineLibrary> {
  loading ??= load();
  return loading;
}

async function load(): Promise<EngineLibrary> {
  try {
    const { default: Provider } = await runQuietly(console, () => import("oidc-provider"));
    return { Provider, toPlain: (value) => value };
  } catch (error) {
    const { code } = Object(error) as NodeJS.ErrnoException;
    if (!code?.startsWith("ERR_VM_DYNAMIC_IMPORT_CALLBACK_MISSING")) throw error;
    return loadInNodeContext();
  }
}

/**
 * Loads the library in Node's own context. Jest runs CommonJS in another context, where `import()` needs a flag of Node
 * and `require()` does not load ES modules.
 */
async function loadInNodeContext(): Promise<EngineLibrary> {
  const node = runInThisContext("({ process, console, Object })") as {
    readonly process: typeof process;
    readonly console: Console;
    readonly Object: ObjectConstructor;
  };
  // The global `process` has Jest's module loader.
  const { createRequire } = node.process.getBuiltinModule("node:module");
  const { default: provider } = await runQuietly(
    node.console,
    () => createRequire(import.meta.url)("oidc-provider") as { readonly default: typeof Provider },
  );
  return { Provider: provider, toPlain: (value) => copyPlain(value, node.Object) };
}

/** The library takes an object for a plain one only when the `Object` of its own context made it. */
function copyPlain<Value>(value: Value, maker: ObjectConstructor): Value {
  if (Array.isArray(value)) return value.map((item) => copyPlain(item, maker)) as Value;
  if (typeof value !== "object" || value === null || value.constructor !== Object) return value;
  const copied = Object.entries(value).map(([name, member]) => [name, copyPlain(member, maker)]);
  return maker.fromEntries(copied) as Value;
}

/** Runs `work`, and hides the warning about the runtime meanwhile. */
async function runQuietly<Result>(output: Console, work: () => Result | Promise<Result>): Promise<Result> {
  const { warn } = output;
  const quieter = (...values: unknown[]): void => {
    if (!/^\S*oidc-provider WARNING: Unsupported runtime/.test(String(values[0]))) warn.apply(output, values);
  };
  output.warn = quieter;
  try {
    return await work();
  } finally {
    // Other code may have replaced `warn` since; its replacement stays.
    if (output.warn === quieter) output.warn = warn;
  }
}
