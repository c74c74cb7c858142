import { createHash, createPublicKey } from "node:crypto";
import type { SigningKey } from "../world/signing-keys.js";
import { makeCertificate } from "./certificate.js";

/** How the public keys are shown. */
export interface KeyListing {
  /** True: the keys have no `kid`, which the service does not promise. Default: false. */
  readonly omitKid?: boolean;
  /** True: the keys have no `alg`, which the service does not promise. Default: false. */
  readonly omitAlg?: boolean;
}

/**
 * Lists public keys as the current endpoint of the service does. It differs from RFC 7517 and RFC 7518: numbers begin
 * with a zero byte, and `x5t` is the Base64 of hexadecimal digits. `x5c` holds a certificate.
 */
export function listKeys(keys: readonly SigningKey[], listing: KeyListing): readonly object[] {
  const issuer = keys.find(({ algorithm }) => algorithm === "RS256");
  return keys.map((key) =>
    formatKey(key, issuer && makeCertificate(key.privateKey, issuer.privateKey), listing),
  );
}

/** Lists public keys as the deprecated endpoint does: `x5c` holds a bare public key in place of a certificate. */
export function listDeprecatedKeys(keys: readonly SigningKey[], listing: KeyListing): readonly object[] {
  return keys.map((key) => {
    const spki = createPublicKey(key.privateKey).export({ format: "der", type: "spki" });
    return formatKey(key, spki, listing);
  });
}

function formatKey(
  { kid, algorithm, publicJwk }: SigningKey,
  certificate: Buffer | undefined,
  { omitKid = false, omitAlg = false }: KeyListing,
): object {
  const { x, n, ...rest } = publicJwk;
  return {
    use: "sig",
    ...rest,
    ...(!omitKid && { kid }),
    ...(!omitAlg && { alg: algorithm }),
    ...(x !== undefined && { x: prependZeroByte(x) }),
    ...(n !== undefined && { n: prependZeroByte(n) }),
    ...(certificate !== undefined && {
      x5c: [certificate.toString("base64")],
      x5t: Buffer.from(createHash("sha1").update(certificate).digest("hex")).toString("base64"),
    }),
  };
}

function prependZeroByte(number: string): string {
  return Buffer.concat([Buffer.alloc(1), Buffer.from(number, "base64url")]).toString("base64url");
}
