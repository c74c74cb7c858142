import { runInThisContext } from "node:vm";
import type Provider from "oidc-provider";

/** What engines are made with. */
export interface EngineLibrary {
  readonly Provider: typeof Provider;
  /** Copies the plain objects in a value so that the library takes them for such. */
  toPlain<Value>(value: Value): Value;
}

let loading: Promise<EngineLibrary> | undefined;

/**
 * Loads oidc-provider, once, on first use.
 *
 * It prints a warning below Node 22 when it is loaded, on which it works all the same. That one line is kept from the
 * console; nothing else is.
 */
export function loadEngineLibrary(): Promise<EngineLibrary> {
  loading ??= load();
  return loading;
}

async function load(): Promise<EngineLibrary> {
  try {
    const { default: Provider } = await quietly(console, () => import("oidc-provider"));
    return { Provider, toPlain: (value) => value };
  } catch (error) {
    const { code } = Object(error) as NodeJS.ErrnoException;
    if (!code?.startsWith("ERR_VM_DYNAMIC_IMPORT_CALLBACK_MISSING")) throw error;
    return loadOutside();
  }
}

/**
 * Has Node's own context load the library where `import()` is not to be had: Jest runs CommonJS in a context of its
 * own, where it refuses to import unless Node was started with a flag, and the `require` there takes no ES modules.
 */
async function loadOutside(): Promise<EngineLibrary> {
  const node = runInThisContext("({ process, console, Object })") as {
    readonly process: typeof process;
    readonly console: Console;
    readonly Object: ObjectConstructor;
  };
  // Not the process at hand, whose module loader is Jest's.
  const { createRequire } = node.process.getBuiltinModule("node:module");
  const { default: provider } = await quietly(
    node.console,
    () => createRequire(import.meta.url)("oidc-provider") as { readonly default: typeof Provider },
  );
  return { Provider: provider, toPlain: (value) => copyPlain(value, node.Object) };
}

/** The library takes an object for a plain one only when it was made by the `Object` of its own context. */
function copyPlain<Value>(value: Value, maker: ObjectConstructor): Value {
  if (Array.isArray(value)) return value.map((item) => copyPlain(item, maker)) as Value;
  if (typeof value !== "object" || value === null || value.constructor !== Object) return value;
  const copied = Object.entries(value).map(([name, member]) => [name, copyPlain(member, maker)]);
  return maker.fromEntries(copied) as Value;
}

/** Runs `work` without the one warning. */
async function quietly<Result>(output: Console, work: () => Result | Promise<Result>): Promise<Result> {
  const { warn } = output;
  const quieter = (...values: unknown[]): void => {
    if (!/^\S*oidc-provider WARNING: Unsupported runtime/.test(String(values[0]))) warn.apply(output, values);
  };
  output.warn = quieter;
  try {
    return await work();
  } finally {
    // Only what was put there, not what somebody else has put there since.
    if (output.warn === quieter) output.warn = warn;
  }
}
