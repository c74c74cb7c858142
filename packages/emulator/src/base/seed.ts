import { createECDH, createHash, hkdfSync } from "node:crypto";

/** A private signing key as a JSON Web Key (P-256). */
interface SigningKey {
  readonly kty: "EC";
  readonly crv: "P-256";
  readonly alg: "ES256";
  readonly use: "sig";
  readonly kid: string;
  readonly x: string;
  readonly y: string;
  readonly d: string;
}

/** Values that depend on nothing but the seed and a label: the same pair gives the same value, in every process. */
export interface Seed {
  /** Gives `digits` lower-case hexadecimal digits. */
  hex(label: string, digits: number): string;
  /**
   * Gives 86 Base64url characters with at least one `-` and one `_`, the shape of a Talkdesk client secret. The first
   * ones say that it is none.
   */
  secret(label: string): string;
  /** Gives an integer from 0 to `below` - 1. */
  number(label: string, below: number): number;
  /** Gives an ES256 key. */
  signingKey(label: string): SigningKey;
  /** Makes a source of successive identifiers of `digits` hexadecimal digits. */
  sequence(label: string, digits: number): () => string;
}

const secretMark = "fake_secret-";
const secretLength = 86;

/**
 * Makes a {@link Seed} from its text.
 *
 * @throws TypeError when the text is not a string or empty.
 */
export function seedFrom(text: unknown): Seed {
  if (typeof text !== "string" || text === "") throw new TypeError("seed must be a string that is not empty");

  const bytes = (label: string, length: number): Buffer =>
    Buffer.from(hkdfSync("sha512", text, "talkdesk emulator", label, length));
  const hex = (label: string, digits: number): string =>
    bytes(label, Math.ceil(digits / 2))
      .toString("hex")
      .slice(0, digits);

  return Object.freeze({
    hex,
    secret(label) {
      return `${secretMark}${bytes(label, 64).toString("base64url")}`.slice(0, secretLength);
    },
    number: (label, below) => bytes(label, 6).readUIntBE(0, 6) % below,
    signingKey: (label) => signingKeyFrom(bytes(label, 32)),
    sequence(label, digits) {
      let count = 0;
      return () => hex(`${label}/${count++}`, digits);
    },
  } satisfies Seed);
}

function signingKeyFrom(scalar: Buffer): SigningKey {
  const curve = createECDH("prime256v1");
  curve.setPrivateKey(scalar);
  const point = curve.getPublicKey();
  const [x, y] = [point.subarray(1, 33).toString("base64url"), point.subarray(33).toString("base64url")];
  // The thumbprint of RFC 7638, so that the key id follows from the key.
  const kid = createHash("sha256")
    .update(JSON.stringify({ crv: "P-256", kty: "EC", x, y }))
    .digest("base64url");
  return { kty: "EC", crv: "P-256", alg: "ES256", use: "sig", kid, x, y, d: scalar.toString("base64url") };
}
