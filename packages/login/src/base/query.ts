/** The value of a parameter that was given once; undefined when it is absent or given more than once. */
export function onlyValue(parameters: URLSearchParams, name: string): string | undefined {
  const [value, ...others] = parameters.getAll(name);
  return others.length === 0 ? value : undefined;
}

/** The query of an address or a path, with its question mark; empty when there is none. */
export function queryIn(url: string): string {
  return url.includes("?") ? url.slice(url.indexOf("?")) : "";
}
