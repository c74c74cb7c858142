/** Which members of the app's own session outlive a login: all, none, or those named. */
export type KeepSession = boolean | readonly string[];

/** @throws TypeError for anything else. */
export function checkKeepSession(keep: unknown): asserts keep is KeepSession {
  const isList = Array.isArray(keep) && keep.every((name) => typeof name === "string" && name !== "");
  if (typeof keep !== "boolean" && !isList) {
    throw new TypeError('keepSession must be true, false or a list of names, such as ["userId"].');
  }
}

/**
 * Copies the members of a session that a login keeps. The copies go through JSON, as in a store. Methods, and other
 * values that JSON cannot hold, are left out.
 */
export function keptMembers(
  session: Readonly<Record<string, unknown>>,
  keep: boolean | readonly string[],
): ReadonlyMap<string, unknown> {
  const names = keep === true ? Object.keys(session) : keep === false ? [] : keep;
  const kept = new Map<string, unknown>();
  for (const name of names) {
    if (!Object.hasOwn(session, name)) continue;
    const text: string | undefined = JSON.stringify(session[name]);
    if (text !== undefined) kept.set(name, JSON.parse(text));
  }
  return kept;
}
