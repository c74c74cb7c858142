import { MEMBER } from "./session-record.js";

/** What of the app's own session outlives a login: everything, nothing, or the members of these names. */
export type KeepSession = boolean | readonly string[];

/** @throws TypeError for anything else. */
export function checkKeepSession(keep: unknown): asserts keep is KeepSession {
  const isList = Array.isArray(keep) && keep.every((name) => typeof name === "string" && name !== "");
  if (typeof keep !== "boolean" && !isList) {
    throw new TypeError('keepSession must be true, false or a list of names, such as ["userId"].');
  }
}

/** Copies the members of a session that are kept. The copies went through JSON, as in a store. */
export function keptMembers(
  session: Readonly<Record<string, unknown>>,
  keep: KeepSession,
): ReadonlyMap<string, unknown> {
  const names = keep === true ? Object.keys(session) : keep === false ? [] : keep;
  const kept = new Map<string, unknown>();
  for (const name of names) {
    if (name === MEMBER || !Object.hasOwn(session, name)) continue;
    const text: string | undefined = JSON.stringify(session[name]);
    if (text !== undefined) kept.set(name, JSON.parse(text));
  }
  return kept;
}

/** Puts them into a new session, whose own members (its cookie, its methods) stay as they are. */
export function restoreMembers(session: Record<string, unknown>, kept: ReadonlyMap<string, unknown>): void {
  for (const [name, value] of kept) {
    if (!(name in session)) session[name] = value;
  }
}
