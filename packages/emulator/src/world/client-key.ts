import type { Seed } from "../base/seed.js";
import { seededKey } from "./seeded-key.js";
import { type KeyAlgorithm, keyKindOf } from "./signature-algorithm.js";

/** The key of a client, as Talkdesk hands it out. */
export interface ClientKey {
  /** 32 lower-case hexadecimal digits: the `kid` of the assertions that it signs. */
  readonly keyId: string;
  readonly keyAlgorithm: KeyAlgorithm;
  /** The private key: PKCS#8 in Base64, on one line and without armour. */
  readonly privateKey: string;
}

/** Makes the key of a client from the seed. */
export function makeClientKey(seed: Seed, label: string, keyAlgorithm: KeyAlgorithm): ClientKey {
  const key = seededKey(seed, label, keyKindOf(keyAlgorithm));
  return {
    keyId: seed.hex(`${label}/id`, 32),
    keyAlgorithm,
    privateKey: key.export({ type: "pkcs8", format: "der" }).toString("base64"),
  };
}
