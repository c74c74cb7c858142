/**
 * The prefix that a proxy in front of the app strips from paths, such as `/portal`; empty when it strips nothing.
 *
 * @param publicMount Where browsers find the login, such as `/portal/auth`.
 * @param internalMount Where the app finds it, such as `/auth`.
 */
export function strippedPrefix(publicMount: string, internalMount: string): string {
  return publicMount.toLowerCase().endsWith(internalMount.toLowerCase())
    ? publicMount.slice(0, publicMount.length - internalMount.length)
    : "";
}

/**
 * The path of a page as browsers know it. A path that already has the prefix is returned as it is: links on pages have
 * the prefix, and only the app itself uses paths without it.
 */
export function publicPath(path: string, prefix: string): string {
  const isPublic = path.startsWith(prefix) && /^([/?#]|$)/.test(path.slice(prefix.length));
  return isPublic ? path : `${prefix}${path}`;
}
