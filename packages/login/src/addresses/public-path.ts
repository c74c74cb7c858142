/**
 * What a proxy in front of the app takes off the beginning of paths, such as `/portal`; empty when it takes nothing off.
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
 * The path that a browser needs for a page of the app. A path that has the prefix already is taken for a public one: links
 * on pages have it, and only the app itself knows paths without it.
 */
export function publicPath(path: string, prefix: string): string {
  const isPublic = path.startsWith(prefix) && /^([/?#]|$)/.test(path.slice(prefix.length));
  return isPublic ? path : `${prefix}${path}`;
}
