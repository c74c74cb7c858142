import { constants, type KeyObject, sign, verify } from "node:crypto";
import type { KeyKind } from "./seeded-key.js";

/** The algorithms that a client's key may be for: those that Talkdesk names. */
export type KeyAlgorithm = "ES256" | "ES384" | "ES512" | "PS256" | "PS384" | "PS512";

/** All algorithms that something is signed with here: those of clients, and RS256 for ID tokens. */
export type SignatureAlgorithm = KeyAlgorithm | "RS256";

/** Every algorithm of {@link KeyAlgorithm}. */
export const keyAlgorithms: readonly KeyAlgorithm[] = Object.freeze([
  "ES256",
  "ES384",
  "ES512",
  "PS256",
  "PS384",
  "PS512",
]);

/** The kind of key that an algorithm needs: each ES algorithm has a curve of its own. */
export function keyKindOf(algorithm: SignatureAlgorithm): KeyKind {
  if (algorithm === "ES256") return "P-256";
  if (algorithm === "ES384") return "P-384";
  return algorithm === "ES512" ? "P-521" : "RSA";
}

/**
 * Signs as JWS does: the two halves of an EC signature side by side, the salt of PSS as long as the hash.
 *
 * @see RFC 7518 §3
 */
export function signBytes(algorithm: SignatureAlgorithm, bytes: Uint8Array, key: KeyObject): Uint8Array {
  return sign(hashOf(algorithm), bytes, { key, ...schemeOf(algorithm) });
}

/** Checks a signature as {@link signBytes} makes them. */
export function isSignature(
  algorithm: SignatureAlgorithm,
  bytes: Uint8Array,
  key: KeyObject,
  signature: Uint8Array,
): boolean {
  return verify(hashOf(algorithm), bytes, { key, ...schemeOf(algorithm) }, signature);
}

function hashOf(algorithm: SignatureAlgorithm): string {
  return `sha${algorithm.slice(2)}`;
}

function schemeOf(
  algorithm: SignatureAlgorithm,
): { readonly dsaEncoding: "ieee-p1363" } | { readonly padding: number; readonly saltLength?: number } {
  if (algorithm.startsWith("ES")) return { dsaEncoding: "ieee-p1363" };
  return algorithm === "RS256"
    ? { padding: constants.RSA_PKCS1_PADDING }
    : { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
}
