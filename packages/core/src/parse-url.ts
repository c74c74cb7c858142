/**
 * Reads an absolute URL; undefined when it is none.
 *
 * Not by `URL.canParse`, which in Node 20 and 22 says no to a host beyond ASCII as soon as its caller has been optimised.
 * @internal
 */
export function parseUrl(value: string): URL | undefined {
  try {
    return new URL(value);
  } catch {
    return undefined;
  }
}
