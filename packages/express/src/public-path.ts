/** What a proxy in front of the app changes at the beginning of paths; both are empty when it changes nothing. */
export interface PathPrefixes {
  /** How paths of the app begin in browsers, such as `/portal`. */
  readonly public: string;
  /** How the same paths begin in the app. */
  readonly internal: string;
}

/**
 * Finds out what a proxy changes, from the two addresses of one login: where browsers find it, and where the app does.
 * Behind a proxy that strips `/portal` these are `/portal/auth` and `/auth`.
 */
export function pathPrefixes(publicMount: string, internalMount: string): PathPrefixes {
  const [outside, inside] = [publicMount.split("/"), internalMount.split("/")];
  while (
    outside.length > 1 &&
    inside.length > 1 &&
    outside.at(-1)?.toLowerCase() === inside.at(-1)?.toLowerCase()
  ) {
    outside.pop();
    inside.pop();
  }
  return { public: outside.join("/"), internal: inside.join("/") };
}

/**
 * The path that a browser needs for a page of the app. A path that begins as public ones do is taken for one; the app
 * itself only knows its own. Check the result: without its beginning, a path may be the address of another host.
 */
export function publicPath(path: string, prefixes: PathPrefixes): string {
  if (prefixes.internal !== "") {
    return isBeneath(path, prefixes.internal)
      ? `${prefixes.public}${path.slice(prefixes.internal.length)}`
      : path;
  }
  return isBeneath(path, prefixes.public) ? path : `${prefixes.public}${path}`;
}

const isBeneath = (path: string, prefix: string): boolean =>
  path.startsWith(prefix) && /^([/?#]|$)/.test(path.slice(prefix.length));
