/**
 * Refuses an option that must be a function when it is given.
 *
 * @throws TypeError for anything but a function or undefined.
 */
export function checkFunction(name: string, value: unknown): void {
  if (value !== undefined && typeof value !== "function") throw new TypeError(`${name} must be a function.`);
}

/**
 * Refuses unknown options, which may be misspelt.
 *
 * @param what The function whose options they are, for the message.
 * @throws TypeError when `options` is not an object, or has a member that is not in `names`.
 * @example
 * checkOptionNames("requireLogin()", { logn: "/auth/login" }, ["login"]); // TypeError
 */
export function checkOptionNames(what: string, options: unknown, names: readonly string[]): void {
  if (typeof options !== "object" || options === null) throw new TypeError(`${what} needs options.`);
  for (const name of Object.keys(options)) {
    if (!names.includes(name)) throw new TypeError(`${what} has no option ${JSON.stringify(name)}.`);
  }
}
