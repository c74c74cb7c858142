import { decodeBase64, encodeBase64url, stripPadding, trimLeadingZeros } from "../base/encodings.js";

/** An entry of the service's key set, unchecked: any member may be missing or wrong. */
export type PublishedKey = Readonly<Record<string, unknown>>;

/** The members that define a public key. No other member of an entry reaches the platform. */
export interface PublicJwk {
  readonly kty: "EC" | "RSA" | "OKP";
  readonly crv?: string;
  readonly x?: string;
  readonly y?: string;
  readonly n?: string;
  readonly e?: string;
}

/** The algorithms that a key without `alg` may verify. */
const UNPINNED: Readonly<Record<string, PublicKeyKind>> = {
  ES256: { kty: "EC", crv: "P-256" },
  RS256: { kty: "RSA" },
};

/** The algorithms that a key may name. All are asymmetric, so a public key cannot serve as a shared secret. */
const ASYMMETRIC: Readonly<Record<string, PublicKeyKind>> = {
  ...UNPINNED,
  ES384: { kty: "EC", crv: "P-384" },
  ES512: { kty: "EC", crv: "P-521" },
  RS384: { kty: "RSA" },
  RS512: { kty: "RSA" },
  PS256: { kty: "RSA" },
  PS384: { kty: "RSA" },
  PS512: { kty: "RSA" },
  EdDSA: { kty: "OKP", crv: "Ed25519" },
  Ed25519: { kty: "OKP", crv: "Ed25519" },
};

interface PublicKeyKind {
  readonly kty: PublicJwk["kty"];
  readonly crv?: string;
}

/** The bytes of one coordinate (RFC 7518 §6.2.1.2). */
const COORDINATE_BYTES: Readonly<Record<string, number>> = { "P-256": 32, "P-384": 48, "P-521": 66 };

/**
 * True for an algorithm that a public key can verify: never for `none` or a shared secret.
 * @internal
 */
export const isVerifiable = (algorithm: unknown): algorithm is string =>
  typeof algorithm === "string" && Object.hasOwn(ASYMMETRIC, algorithm);

/** The public keys of entries, by entry and algorithm. */
const selected = new WeakMap<PublishedKey, Map<string, PublicJwk | undefined>>();

/**
 * Selects the public key from an entry of a key set, for one algorithm. Undefined when the entry is broken or for
 * another purpose. Numbers with leading zero bytes, as in Talkdesk's own examples, get the size that RFC 7518 requires.
 *
 * It gives the same object each time: jose imports a key once for each object.
 * @internal
 */
export function selectPublicKey(entry: PublishedKey, algorithm: string): PublicJwk | undefined {
  let byAlgorithm = selected.get(entry);
  if (byAlgorithm === undefined) {
    byAlgorithm = new Map();
    selected.set(entry, byAlgorithm);
  }
  if (!byAlgorithm.has(algorithm)) byAlgorithm.set(algorithm, readPublicKey(entry, algorithm));
  return byAlgorithm.get(algorithm);
}

function readPublicKey(entry: PublishedKey, algorithm: string): PublicJwk | undefined {
  const allowed = entry["alg"] === undefined ? UNPINNED : ASYMMETRIC;
  const kind = Object.hasOwn(allowed, algorithm) ? allowed[algorithm] : undefined;
  if (kind === undefined || entry["kty"] !== kind.kty || !isForVerification(entry)) return undefined;
  if (entry["alg"] !== undefined && entry["alg"] !== algorithm) return undefined;
  if (entry["crv"] !== kind.crv) return undefined;

  const { kty, crv } = kind;
  if (kty === "RSA") {
    const [n, e] = [resizeNumber(entry["n"]), resizeNumber(entry["e"])];
    return n === undefined || e === undefined ? undefined : { kty, n, e };
  }
  if (crv === undefined) return undefined;
  const size = COORDINATE_BYTES[crv];
  if (size === undefined) return typeof entry["x"] === "string" ? { kty, crv, x: entry["x"] } : undefined;
  const [x, y] = [resizeNumber(entry["x"], size), resizeNumber(entry["y"], size)];
  return x === undefined || y === undefined ? undefined : { kty, crv, x, y };
}

function isForVerification({ use, key_ops: operations }: PublishedKey): boolean {
  if (use !== undefined && use !== "sig") return false;
  return operations === undefined || (Array.isArray(operations) && operations.includes("verify"));
}

/** Resizes a number of a key to `size` bytes, or removes its leading zero bytes where no size is given. */
function resizeNumber(text: unknown, size?: number): string | undefined {
  if (typeof text !== "string" || !/^[\w+/-]+=*$/.test(text)) return undefined;
  const bytes = decodeBase64(stripPadding(text));
  if (bytes === undefined) return undefined;
  const number = trimLeadingZeros(bytes);
  if (number.length === 0 || (size !== undefined && number.length > size)) return undefined;
  const padded = new Uint8Array(size ?? number.length);
  padded.set(number, padded.length - number.length);
  return encodeBase64url(padded);
}
