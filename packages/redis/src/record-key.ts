import type { Part } from "./scripts.js";

/** The keys in Redis of what there is of one key of the store. */
export type RecordKeys = Readonly<Record<Part, string>>;

/**
 * Names the parts of a key of the store. The encoded key stands in the hash tag, so that all of it is in one slot of a
 * cluster. Encoding leaves no brace in it, and keeps different keys apart.
 *
 * @throws TypeError for a key that is empty, or holds half of a surrogate pair.
 */
export function keysOf(prefix: string, key: unknown): RecordKeys {
  if (typeof key !== "string" || key === "") {
    throw new TypeError("key must be a string that is not empty.");
  }
  checkWellFormed("key", key);
  const slot = `${prefix}{${encodeURIComponent(key)}}`;
  return { record: `${slot}:record`, lock: `${slot}:lock`, history: `${slot}:history` };
}

/** @throws TypeError for a prefix that would move the hash tag, or cannot be stored. */
export function checkPrefix(prefix: unknown): asserts prefix is string {
  if (typeof prefix !== "string" || /[{}]/.test(prefix)) {
    throw new TypeError('prefix must be a string without braces, such as "my-app:".');
  }
  checkWellFormed("prefix", prefix);
}

/** Half of a surrogate pair, which UTF-8 cannot hold. */
const HALF_OF_A_PAIR = /\p{Surrogate}/u;

/** @throws TypeError for what UTF-8 cannot hold. */
export function checkWellFormed(name: string, text: string): void {
  if (HALF_OF_A_PAIR.test(text)) throw new TypeError(`${name} must be a string of well-formed Unicode.`);
}
