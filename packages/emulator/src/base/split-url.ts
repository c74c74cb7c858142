/** A request target, taken apart at its first question mark. */
export interface SplitUrl {
  readonly path: string;
  /** What follows the question mark; undefined without one. */
  readonly query: string | undefined;
}

/** Takes a request target apart. Nothing is decoded or normalised. */
export function splitUrl(url: string): SplitUrl {
  const [path = "", query] = url.split(/\?(.*)/s);
  return { path, query };
}
