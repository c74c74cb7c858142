import type Provider from "oidc-provider";

/** The constructor that the engine is made with. */
export type ProviderConstructor = typeof Provider;

let loading: Promise<ProviderConstructor> | undefined;

/**
 * Loads oidc-provider, once.
 *
 * It is loaded on first use: it prints a warning below Node 22 when it is, on which it works all the same. That one
 * line is kept from the console; nothing else is.
 */
export function loadEngineLibrary(): Promise<ProviderConstructor> {
  loading ??= load();
  return loading;
}

async function load(): Promise<ProviderConstructor> {
  const { warn } = console;
  const quieter = (...values: unknown[]): void => {
    if (!/^\S*oidc-provider WARNING: Unsupported runtime/.test(String(values[0])))
      warn.apply(console, values);
  };
  console.warn = quieter;
  try {
    return (await import("oidc-provider")).default;
  } finally {
    // biome-ignore lint/suspicious/noConsole: puts back what was there.
    if (console.warn === quieter) console.warn = warn;
  }
}
