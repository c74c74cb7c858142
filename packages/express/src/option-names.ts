/** @throws TypeError when there are no options, or one of them is not known: it may be misspelt. */
export function checkNames(what: string, options: unknown, names: readonly string[]): void {
  if (typeof options !== "object" || options === null) throw new TypeError(`${what} needs options.`);
  for (const name of Object.keys(options)) {
    if (!names.includes(name)) throw new TypeError(`${what} has no option ${JSON.stringify(name)}.`);
  }
}
