/**
 * Refuses an options object with an unknown member, which is usually a misspelling.
 *
 * @param name What the object is called in the message.
 * @throws TypeError that names the object and the member.
 */
export function checkMembers(name: string, value: unknown, known: readonly string[]): void {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new TypeError(`${name} must be an object.`);
  }
  const unknown = Object.keys(value).find((member) => !known.includes(member));
  if (unknown !== undefined) {
    throw new TypeError(`${name} has no member ${unknown}; its members are ${known.join(", ")}.`);
  }
}
