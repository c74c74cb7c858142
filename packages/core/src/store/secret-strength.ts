import { hasControlCharacter, isWellFormed } from "../base/secret-text.js";

/** 32 random hexadecimal digits are 128 bits. */
const MIN_LENGTH = 32;

/**
 * Secrets with a lower estimate, in bits, are refused. In 40,000 draws each, the estimate of 32 random hexadecimal digits
 * was never below 83, and that of 32 random decimal digits never below 57.
 */
const MIN_BITS = 50;

/** This many characters that occur earlier in the text count as a repetition. */
const REPETITION = 3;

/**
 * Checks a secret that keys are derived from. It must have 32 characters or more, no white space around it, and no control
 * characters. Text that repeats itself or counts up is refused, such as `"a".repeat(32)` or `"1234567890".repeat(4)`. A
 * known sentence is not recognised, so make secrets with `openssl rand -base64 32`.
 *
 * @throws
 * - TypeError: the secret cannot be used. The error says why, and does not repeat the secret.
 * @see NIST SP 800-133 §4 (keys come from a random bit generator)
 * @example
 * checkSecret(process.env.SESSION_SECRET);
 */
export function checkSecret(secret: unknown): asserts secret is string {
  if (typeof secret !== "string" || secret.length < MIN_LENGTH) {
    throw new TypeError(
      `A secret must be a random string of ${MIN_LENGTH} characters or more; make one with: openssl rand -base64 32`,
    );
  }
  // Two processes whose secrets differ by an invisible character could not read each other's records.
  if (secret.trim() !== secret || !isWellFormed(secret) || hasControlCharacter(secret)) {
    throw new TypeError(
      "A secret must not begin or end with white space, nor contain control characters; check for a line break at the end of a pasted value.",
    );
  }
  if (estimateBits(secret) < MIN_BITS) {
    throw new TypeError(
      "A secret must be random; this one repeats itself or counts up, so it can be guessed. Make one with: openssl rand -base64 32",
    );
  }
}

/**
 * Estimates the information in a text, in bits, after its repetitions were removed: by the frequency of its characters, or
 * of the differences between neighbours, whichever is less.
 */
function estimateBits(text: string): number {
  const units = removeRepetitions(text);
  const steps = units.slice(1).map((unit, index) => unit - (units[index] as number));
  return Math.min(countBits(units), countBits(steps));
}

/** The characters of a text, where one stands for each stretch that occurs earlier in the text. */
function removeRepetitions(text: string): number[] {
  const units: number[] = [];
  for (let at = 0; at < text.length; ) {
    let length = 0;
    while (
      at + length < text.length &&
      text.slice(0, at + length).includes(text.slice(at, at + length + 1))
    ) {
      length += 1;
    }
    units.push(text.charCodeAt(at));
    at += length >= REPETITION ? length : 1;
  }
  return units;
}

/** The information in a list, in bits: its length times Shannon's entropy of its items. */
function countBits(list: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const item of list) counts.set(item, (counts.get(item) ?? 0) + 1);
  let sum = 0;
  for (const count of counts.values()) sum -= count * Math.log2(count / list.length);
  return sum;
}
