/**
 * What `use` makes of a built-in module of Node, or of a runtime that has it under Node's name; undefined elsewhere.
 * The module is asked for when first needed, so that core loads nothing but itself.
 *
 * It never throws. Some runtimes only pretend to have a module: in Next's edge runtime `getBuiltinModule` throws, and
 * bundlers put in modules whose functions do.
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
