import { createHash, createPublicKey, type JsonWebKey } from "node:crypto";
import type { SigningKey } from "./seed.js";

/** How the keys are shown. */
export interface KeyListing {
  /** Leaves out `kid`, which the service does not promise. */
  readonly omitKid?: boolean;
  /** Leaves out `alg`, which the service does not promise. */
  readonly omitAlg?: boolean;
}

/**
 * Shows a public key as the service does: coordinates are dumps of signed integers, with a zero byte in front, where
 * RFC 7518 has the length of the curve.
 */
export function publishedKey(
  key: Omit<SigningKey, "d">,
  { omitKid = false, omitAlg = false }: KeyListing,
): object {
  const { kid, alg, x, y, ...rest } = key;
  return {
    ...rest,
    ...(!omitKid && { kid }),
    ...(!omitAlg && { alg }),
    x: Buffer.concat([Buffer.alloc(1), Buffer.from(x, "base64url")]).toString("base64url"),
    y,
  };
}

/**
 * Shows a public key as the deprecated endpoint does: `x5c` holds a bare public key, where RFC 7517 has a certificate,
 * and `x5t` the Base64 of hexadecimal digits, where it has that of bytes.
 */
export function deprecatedKey(key: Omit<SigningKey, "d">, listing: KeyListing): object {
  const { kty, crv, x, y } = key;
  const spki = createPublicKey({ key: { kty, crv, x, y } as JsonWebKey, format: "jwk" }).export({
    format: "der",
    type: "spki",
  });
  const thumbprint = createHash("sha1").update(spki).digest("hex");
  return {
    ...publishedKey(key, listing),
    x5c: [spki.toString("base64")],
    x5t: Buffer.from(thumbprint).toString("base64"),
  };
}
