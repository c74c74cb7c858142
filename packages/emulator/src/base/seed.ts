import { hkdfSync } from "node:crypto";

/**
 * Values that follow from the text of the seed and a label alone. The same pair gives the same value in every process.
 */
export interface Seed {
  /** Gives `digits` lower-case hexadecimal digits. */
  hex(label: string, digits: number): string;
  /**
   * Gives 86 Base64url characters with at least one `-` and one `_`, the shape of a Talkdesk client secret. It begins
   * with `fake_secret-`.
   */
  secret(label: string): string;
  /** Gives an integer from 0 to `below` - 1. */
  number(label: string, below: number): number;
  /** Makes a function that gives another identifier of `digits` hexadecimal digits at each call. */
  identifiers(label: string, digits: number): () => string;
  /** Makes a function that gives another opaque token at each call: `fake_` and `digits` hexadecimal digits. */
  tokens(label: string, digits: number): () => string;
}

// Opaque values begin with these marks, so that nobody takes them for real ones. Signed tokens have a claim instead.
const TOKEN_MARK = "fake_";
const SECRET_MARK = "fake_secret-";
const SECRET_LENGTH = 86;

// The emulators of a test run derive the same values: those of one seed's users, clients and first tokens.
const knownValues = new Map<string, Buffer>();
const MAX_KNOWN_VALUES = 2_000;

/**
 * Makes a {@link Seed} from its text.
 *
 * @throws TypeError when the text is empty or not a string.
 */
export function makeSeed(text: unknown): Seed {
  if (typeof text !== "string" || text === "") {
    throw new TypeError("seed must be a string that is not empty.");
  }

  const derive = (label: string, length: number): Buffer => {
    const key = JSON.stringify([text, label, length]);
    const known = knownValues.get(key);
    if (known !== undefined) return known;
    const value = Buffer.from(hkdfSync("sha512", text, "talkdesk emulator", label, length));
    if (knownValues.size >= MAX_KNOWN_VALUES) knownValues.clear();
    knownValues.set(key, value);
    return value;
  };

  function hex(label: string, digits: number): string {
    return derive(label, Math.ceil(digits / 2))
      .toString("hex")
      .slice(0, digits);
  }

  function identifiers(label: string, digits: number): () => string {
    let count = 0;
    return () => hex(`${label}/${count++}`, digits);
  }

  return Object.freeze({
    hex,
    secret: (label) => `${SECRET_MARK}${derive(label, 64).toString("base64url")}`.slice(0, SECRET_LENGTH),
    number: (label, below) => derive(label, 6).readUIntBE(0, 6) % below,
    identifiers,
    tokens(label, digits) {
      const nextIdentifier = identifiers(label, digits);
      return () => `${TOKEN_MARK}${nextIdentifier()}`;
    },
  } satisfies Seed);
}
