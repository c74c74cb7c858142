import { keyFault, PUBLIC } from "./key-text.js";
import { type Curve, type Hash, MIN_RSA_BITS, readPrivateKey } from "./private-key.js";

/**
 * The algorithms of Talkdesk's keys.
 * @see RFC 7518 §3.4 and §3.5
 */
export type SigningAlgorithm = "ES256" | "ES384" | "ES512" | "PS256" | "PS384" | "PS512";

/** The platform's `CryptoKey`, whether its type comes from the DOM library or from `@types/node`. */
export type PlatformCryptoKey = Awaited<ReturnType<typeof crypto.subtle.importKey>>;

/**
 * A private key, from text or from a `CryptoKey`.
 * @internal
 */
export interface SigningKey {
  /** What kind of key it is, for a message. */
  readonly description: string;
  /** The algorithms that it can sign with. The first is the default. */
  readonly algorithms: readonly SigningAlgorithm[];
  /** Loads the platform's key for one of these algorithms. Rejects when the platform refuses the key. */
  readonly load: (algorithm: SigningAlgorithm) => Promise<PlatformCryptoKey>;
}

const BY_CURVE: ReadonlyMap<Curve, SigningAlgorithm> = new Map([
  ["P-256", "ES256"],
  ["P-384", "ES384"],
  ["P-521", "ES512"],
]);
const BY_HASH: ReadonlyMap<Hash, SigningAlgorithm> = new Map([
  ["SHA-256", "PS256"],
  ["SHA-384", "PS384"],
  ["SHA-512", "PS512"],
]);

/**
 * Reads a key as far as that is possible without the platform's asynchronous functions.
 *
 * @throws TypeError for a value that cannot sign. The message repeats nothing of it.
 * @internal
 */
export function readSigningKey(privateKey: string | PlatformCryptoKey): SigningKey {
  if (typeof privateKey === "string") return readText(privateKey);
  if (isCryptoKey(privateKey)) return readCryptoKey(privateKey);
  throw keyFault("must be a string, PKCS#8 in Base64 or PEM, or a CryptoKey");
}

/**
 * Recognises a `CryptoKey` by its members: some runtimes have no global of that name, Cloudflare Workers with
 * compatibility dates before 2024-09-26 do not tag its objects, and in test runners it may be of another realm.
 */
function isCryptoKey(value: unknown): value is PlatformCryptoKey {
  const { type, algorithm, usages } = Object(value) as Partial<Record<keyof PlatformCryptoKey, unknown>>;
  const { name } = Object(algorithm) as { readonly name?: unknown };
  return typeof type === "string" && typeof name === "string" && Array.isArray(usages);
}

function readText(text: string): SigningKey {
  const key = readPrivateKey(text);
  const { pkcs8 } = key;
  if (key.type === "EC") {
    const { curve } = key;
    return {
      description: `a key of ${curve}`,
      algorithms: pick(BY_CURVE, curve),
      load: () => importKey(pkcs8, { name: "ECDSA", namedCurve: curve }),
    };
  }
  return {
    description: key.hash === undefined ? "an RSA key" : `an RSASSA-PSS key for ${key.hash}`,
    algorithms: key.hash === undefined ? [...BY_HASH.values()] : pick(BY_HASH, key.hash),
    load: (algorithm) => importKey(pkcs8, { name: "RSA-PSS", hash: `SHA-${algorithm.slice(2)}` }),
  };
}

const importKey = (
  pkcs8: Uint8Array<ArrayBuffer>,
  algorithm:
    | { readonly name: string; readonly namedCurve: Curve }
    | { readonly name: string; readonly hash: string },
): Promise<PlatformCryptoKey> => crypto.subtle.importKey("pkcs8", pkcs8, algorithm, false, ["sign"]);

function readCryptoKey(key: PlatformCryptoKey): SigningKey {
  if (key.type === "public") throw keyFault(PUBLIC);
  if (key.type !== "private") throw keyFault("must be a private key, not a shared secret");
  if (!key.usages.includes("sign")) {
    throw keyFault('must be a CryptoKey that may sign; import it with the usage "sign"');
  }
  const { name, namedCurve, hash, modulusLength } = key.algorithm as {
    readonly name: string;
    readonly namedCurve?: Curve;
    readonly hash?: { readonly name?: Hash };
    readonly modulusLength?: number;
  };
  const algorithms =
    name === "ECDSA" ? pick(BY_CURVE, namedCurve) : name === "RSA-PSS" ? pick(BY_HASH, hash?.name) : [];
  const [algorithm] = algorithms;
  if (algorithm === undefined) {
    throw keyFault(
      "must be a CryptoKey for ECDSA with P-256, P-384 or P-521, or for RSA-PSS with SHA-256, SHA-384 or SHA-512",
    );
  }
  if (name === "RSA-PSS" && !(modulusLength !== undefined && modulusLength >= MIN_RSA_BITS)) {
    throw keyFault(`must have ${MIN_RSA_BITS} bits or more as an RSA key`);
  }
  return {
    description: `a CryptoKey for ${name} with ${namedCurve ?? hash?.name}`,
    algorithms,
    load: async () => key,
  };
}

/** The algorithm that belongs to a curve or hash, as a list; none for one that Talkdesk does not use. */
function pick<Key>(
  table: ReadonlyMap<Key, SigningAlgorithm>,
  key: Key | undefined,
): readonly SigningAlgorithm[] {
  const algorithm = key === undefined ? undefined : table.get(key);
  return algorithm === undefined ? [] : [algorithm];
}
