import { constants, type KeyObject, sign, verify } from "node:crypto";
import type { KeyKind } from "./seeded-key.js";

/** The algorithms that Talkdesk names for the key of a client. */
export type KeyAlgorithm = "ES256" | "ES384" | "ES512" | "PS256" | "PS384" | "PS512";

/** Every algorithm that is used here: those of clients' keys, and RS256 for ID tokens. */
export type SignatureAlgorithm = KeyAlgorithm | "RS256";

/** Every algorithm of {@link KeyAlgorithm}. */
export const KEY_ALGORITHMS: readonly KeyAlgorithm[] = Object.freeze([
  "ES256",
  "ES384",
  "ES512",
  "PS256",
  "PS384",
  "PS512",
]);

/** Gives the kind of key that an algorithm needs. Each ES algorithm has its own curve. */
export function getKeyKind(algorithm: SignatureAlgorithm): KeyKind {
  if (algorithm === "ES256") return "P-256";
  if (algorithm === "ES384") return "P-384";
  return algorithm === "ES512" ? "P-521" : "RSA";
}

/**
 * Signs bytes as JWS does. An EC signature is R and S side by side; the salt of PSS is as long as the hash.
 *
 * @see RFC 7518 §3.3 to §3.5
 */
export function signBytes(algorithm: SignatureAlgorithm, bytes: Uint8Array, key: KeyObject): Uint8Array {
  return sign(getHashName(algorithm), bytes, { key, ...getScheme(algorithm) });
}

/** Tells whether a signature, made as {@link signBytes} makes it, fits the bytes and the key. */
export function verifyBytes(
  algorithm: SignatureAlgorithm,
  bytes: Uint8Array,
  key: KeyObject,
  signature: Uint8Array,
): boolean {
  return verify(getHashName(algorithm), bytes, { key, ...getScheme(algorithm) }, signature);
}

function getHashName(algorithm: SignatureAlgorithm): string {
  return `sha${algorithm.slice(2)}`;
}

function getScheme(
  algorithm: SignatureAlgorithm,
): { readonly dsaEncoding: "ieee-p1363" } | { readonly padding: number; readonly saltLength?: number } {
  if (algorithm.startsWith("ES")) return { dsaEncoding: "ieee-p1363" };
  return algorithm === "RS256"
    ? { padding: constants.RSA_PKCS1_PADDING }
    : { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
}
