import { createHash, createPublicKey, type JsonWebKey, type KeyObject } from "node:crypto";
import { checkMembers } from "../base/check-members.js";
import type { Region } from "../base/region.js";
import type { Seed } from "../base/seed.js";
import { makeSeededKey } from "./seeded-key.js";
import { signBytes } from "./signature-algorithm.js";

/** The algorithms that the service signs with: access tokens with ES256, ID tokens with either. */
export type SigningAlgorithm = "ES256" | "RS256";

/** A key that the service signs with. */
export interface SigningKey {
  /** The thumbprint of the public key (RFC 7638). */
  readonly kid: string;
  readonly algorithm: SigningAlgorithm;
  readonly privateKey: KeyObject;
  /** The public key: its type and numbers, and no other member. */
  readonly publicJwk: JsonWebKey;
}

/** The keys that the service signs with, in every account and region. */
export interface Keys {
  /**
   * Makes new keys, which sign everything from now on.
   *
   * @param options With `keepOld: false`, the old keys are withdrawn, so what they signed can no longer be verified.
   *   Default: they stay published.
   * @throws TypeError when an option is wrong.
   * @example
   * talkdesk.keys.rotate({ keepOld: false });
   */
  rotate(options?: { readonly keepOld?: boolean }): void;
}

/** The keys as the identity host sees them. */
export interface SigningKeys extends Keys {
  getCurrent(region: Region, account: string, algorithm: SigningAlgorithm): SigningKey;
  /** Gives the published keys, newest first. */
  getPublished(region: Region, account: string): readonly SigningKey[];
}

/** Makes the keys from the seed. An RSA key is slow to make, so all accounts share one, made on first use. */
export function makeSigningKeys(seed: Seed): SigningKeys {
  const made = new Map<string, SigningKey>();
  let generations: readonly number[] = [0];

  function getKey(generation: number, place: string, algorithm: SigningAlgorithm): SigningKey {
    const suffix = generation === 0 ? "" : `/${generation}`;
    const label = algorithm === "ES256" ? `${place}/key${suffix}` : `key/rsa${suffix}`;
    const key = made.get(label) ?? makeSigningKey(seed, label, algorithm);
    made.set(label, key);
    return key;
  }

  return Object.freeze({
    getCurrent: (region, account, algorithm) =>
      getKey(generations[0] ?? 0, `${region}/${account}`, algorithm),
    getPublished: (region, account) =>
      generations.flatMap((generation) =>
        (["ES256", "RS256"] as const).map((algorithm) =>
          getKey(generation, `${region}/${account}`, algorithm),
        ),
      ),
    rotate(options = {}) {
      checkMembers("the options of keys.rotate", options, ["keepOld"]);
      const { keepOld = true } = options;
      if (typeof keepOld !== "boolean") throw new TypeError("keepOld must be a boolean.");
      const next = (generations[0] ?? 0) + 1;
      generations = keepOld ? [next, ...generations] : [next];
    },
  } satisfies SigningKeys);
}

/** Signs claims as a JWT in compact form. */
export function signJwt(claims: Readonly<Record<string, unknown>>, key: SigningKey): string {
  const signed = [{ kid: key.kid, alg: key.algorithm }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
    .join(".");
  const signature = signBytes(key.algorithm, Buffer.from(signed), key.privateKey);
  return `${signed}.${Buffer.from(signature).toString("base64url")}`;
}

function makeSigningKey(seed: Seed, label: string, algorithm: SigningAlgorithm): SigningKey {
  const privateKey = makeSeededKey(seed, label, algorithm === "ES256" ? "P-256" : "RSA");
  const { kty, crv, x, y, n, e } = createPublicKey(privateKey).export({ format: "jwk" });
  // The thumbprint is taken of these members in this order (RFC 7638 §3.2).
  const numbers = kty === "EC" ? { crv, kty, x, y } : { e, kty, n };
  const kid = createHash("sha256").update(JSON.stringify(numbers)).digest("base64url");
  return { kid, algorithm, privateKey, publicJwk: numbers as JsonWebKey };
}
