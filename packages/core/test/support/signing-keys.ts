import { generateKeyPairSync, type KeyObject, type webcrypto } from "node:crypto";
import { type PrivateKeyJwtOptions, privateKeyJwt, talkdeskEndpoints } from "@talkdesk-oauth/core";

export type Algorithm = NonNullable<PrivateKeyJwtOptions["algorithm"]>;

interface KeyPair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });

/** One pair of keys for each algorithm; those of RSA share one, as they may. */
export const KEYS: Readonly<Record<Algorithm, KeyPair>> = {
  ES256: generateKeyPairSync("ec", { namedCurve: "P-256" }),
  ES384: generateKeyPairSync("ec", { namedCurve: "P-384" }),
  ES512: generateKeyPairSync("ec", { namedCurve: "P-521" }),
  PS256: rsa,
  PS384: rsa,
  PS512: rsa,
};
export const ALGORITHMS = Object.keys(KEYS) as Algorithm[];
export const isEc = (algorithm: Algorithm): boolean => algorithm.startsWith("ES");

export const pkcs8 = (key: KeyObject): Buffer => key.export({ type: "pkcs8", format: "der" });
export const pem = (key: KeyObject): string => key.export({ type: "pkcs8", format: "pem" }) as string;

/** As Talkdesk issues a key: one line of Base64, without armour. */
export const issued = (key: KeyObject): string => pkcs8(key).toString("base64");

export function wrapped(text: string, columns = 64, lineBreak = "\n"): string {
  return (text.match(new RegExp(`.{1,${columns}}`, "g")) ?? []).join(lineBreak);
}

export function armoured(base64: string, label: string): string {
  return `-----BEGIN ${label}-----\n${base64}\n-----END ${label}-----\n`;
}

export type WithoutDefaults = Pick<PrivateKeyJwtOptions, "privateKey"> &
  Partial<Omit<PrivateKeyJwtOptions, "algorithm">> & { readonly algorithm?: Algorithm | undefined };

/** The parameters and headers that an authentication adds to a token request. */
export async function provedBy(
  { algorithm, ...options }: WithoutDefaults,
  now = 0,
): Promise<URLSearchParams> {
  const authentication = privateKeyJwt({
    clientId: "client-1",
    keyId: "key-1",
    ...options,
    ...(algorithm !== undefined && { algorithm }),
  });
  const headers = new Headers();
  const body = new URLSearchParams();
  await authentication({ endpoints: talkdeskEndpoints("acme", "eu"), headers, body, now });
  if ([...headers].length > 0) throw new Error("A header was added.");
  return body;
}

/** The same key, as this platform's cryptography holds it. */
export function cryptoKey(algorithm: Algorithm, { extractable = false } = {}): Promise<webcrypto.CryptoKey> {
  const hash = `SHA-${algorithm.slice(2)}`;
  const curve = algorithm === "ES512" ? "P-521" : `P-${algorithm.slice(2)}`;
  const parameters = isEc(algorithm) ? { name: "ECDSA", namedCurve: curve } : { name: "RSA-PSS", hash };
  return crypto.subtle.importKey("pkcs8", pkcs8(KEYS[algorithm].privateKey), parameters, extractable, [
    "sign",
  ]);
}
