import { createHash, createPublicKey } from "node:crypto";
import { certificateFor } from "../world/certificate.js";
import type { SigningKey } from "../world/signing-keys.js";

/** How the keys are shown. */
export interface KeyListing {
  /** Leaves out `kid`, which the service does not promise. */
  readonly omitKid?: boolean;
  /** Leaves out `alg`, which the service does not promise. */
  readonly omitAlg?: boolean;
}

/**
 * Shows public keys as the service does: numbers are dumps of signed integers, with a zero byte in front, where RFC
 * 7518 has none. `x5c` holds a certificate, `x5t` the Base64 of hexadecimal digits, where RFC 7517 has that of bytes.
 */
export function publishedKeys(keys: readonly SigningKey[], listing: KeyListing): readonly object[] {
  const issuer = keys.find(({ algorithm }) => algorithm === "RS256");
  return keys.map((key) =>
    shownKey(key, issuer && certificateFor(key.privateKey, issuer.privateKey), listing),
  );
}

/** Shows public keys as the deprecated endpoint does: `x5c` holds a bare public key in place of a certificate. */
export function deprecatedKeys(keys: readonly SigningKey[], listing: KeyListing): readonly object[] {
  return keys.map((key) => {
    const spki = createPublicKey(key.privateKey).export({ format: "der", type: "spki" });
    return shownKey(key, spki, listing);
  });
}

function shownKey(
  { kid, algorithm, publicJwk }: SigningKey,
  shown: Buffer | undefined,
  { omitKid = false, omitAlg = false }: KeyListing,
): object {
  const { x, n, ...rest } = publicJwk;
  return {
    use: "sig",
    ...rest,
    ...(!omitKid && { kid }),
    ...(!omitAlg && { alg: algorithm }),
    ...(x !== undefined && { x: withZeroByte(x) }),
    ...(n !== undefined && { n: withZeroByte(n) }),
    ...(shown !== undefined && {
      x5c: [shown.toString("base64")],
      x5t: Buffer.from(createHash("sha1").update(shown).digest("hex")).toString("base64"),
    }),
  };
}

function withZeroByte(number: string): string {
  return Buffer.concat([Buffer.alloc(1), Buffer.from(number, "base64url")]).toString("base64url");
}
