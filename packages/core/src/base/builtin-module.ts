/**
 * Calls `use` with a built-in module of Node, and returns its result. Returns undefined on runtimes without the module.
 * Core imports no built-in module, so that it loads on every runtime.
 *
 * Never throws: `getBuiltinModule` throws in Next's edge runtime, and some bundlers substitute modules whose functions
 * throw.
 * @internal
 */
export function useBuiltin<Module, Result>(
  name: string,
  use: (module: Module) => Result,
): Result | undefined {
  try {
    const { process } = globalThis as {
      process?: { getBuiltinModule?: (name: string) => Module | undefined };
    };
    const module = process?.getBuiltinModule?.(name);
    return module === undefined ? undefined : use(module);
  } catch {
    return undefined;
  }
}
