import type { Seed } from "../base/seed.js";
import { makeSeededKey } from "./seeded-key.js";
import { getKeyKind, type KeyAlgorithm } from "./signature-algorithm.js";

/** The key of a client, in the form in which Talkdesk issues it. */
export interface ClientKey {
  /** 32 lower-case hexadecimal digits: the `kid` of the assertions that the key signs. */
  readonly keyId: string;
  /** The algorithm of the assertions that the key signs. */
  readonly keyAlgorithm: KeyAlgorithm;
  /** The private key: PKCS#8 in Base64, on one line and without PEM armour. */
  readonly privateKey: string;
}

/** Makes the key of a client from the seed. */
export function makeClientKey(seed: Seed, label: string, keyAlgorithm: KeyAlgorithm): ClientKey {
  const key = makeSeededKey(seed, label, getKeyKind(keyAlgorithm));
  return {
    keyId: seed.hex(`${label}/id`, 32),
    keyAlgorithm,
    privateKey: key.export({ type: "pkcs8", format: "der" }).toString("base64"),
  };
}
