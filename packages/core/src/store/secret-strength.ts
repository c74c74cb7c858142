import { hasControlCharacter, isWellFormed } from "../base/secret-text.js";

/** The shortest secret: of 32 hexadecimal digits, which are 128 bits when they are random. */
const MIN_LENGTH = 32;

/**
 * The least estimate, in bits. In 40,000 draws each, 32 random hexadecimal digits were never estimated below 83 and 32
 * random decimal digits never below 57.
 */
const MIN_BITS = 50;

/** So many characters that occur earlier in the text are a repetition. */
const REPETITION = 3;

/**
 * Checks a secret that keys are made of: at least 32 characters, without white space around or control characters
 * within, and no text that repeats itself or counts up, such as `"a".repeat(32)` or `"1234567890".repeat(4)`. It cannot
 * tell a random text from a sentence that somebody knows: make secrets with `openssl rand -base64 32`.
 *
 * @throws TypeError that says what is wrong, without repeating the secret.
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
  if (estimatedBits(secret) < MIN_BITS) {
    throw new TypeError(
      "A secret must be random; this one repeats itself or counts up, so it can be guessed. Make one with: openssl rand -base64 32",
    );
  }
}

/**
 * Estimates how much a text says, in bits: by how often each character occurs and by how often each step from one to the
 * next does, whichever is less, once what is repeated has been left out.
 */
function estimatedBits(text: string): number {
  const units = withoutRepetition(text);
  const steps = units.slice(1).map((unit, index) => unit - (units[index] as number));
  return Math.min(bits(units), bits(steps));
}

/** The text's characters, with one in place of each stretch that occurs earlier in the text. */
function withoutRepetition(text: string): number[] {
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

/** Shannon's entropy of a list, by the frequencies in it. */
function bits(list: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const item of list) counts.set(item, (counts.get(item) ?? 0) + 1);
  let sum = 0;
  for (const count of counts.values()) sum -= count * Math.log2(count / list.length);
  return sum;
}
