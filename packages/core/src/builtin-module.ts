/**
 * Built-in modules of Node, and of the runtimes that have them under its names; undefined elsewhere. Asked for when
 * first needed, so that core loads nothing but itself.
 * @internal
 */
export function builtinModule<Module>(name: string): Module | undefined {
  const { process } = globalThis as { process?: { getBuiltinModule?: (name: string) => Module | undefined } };
  return process?.getBuiltinModule?.(name);
}
