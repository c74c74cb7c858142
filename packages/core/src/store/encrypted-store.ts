import { decodeBase64, encodeBase64url } from "../base/encodings.js";
import { TalkdeskError } from "../base/errors.js";
import { isWellFormed } from "../base/secret-text.js";
import { checkSecret } from "./secret-strength.js";
import { checkTokenStore, type TokenStore } from "./token-store.js";

/** What a record begins with: which format it is in, so that a later one can be told apart. */
const FORMAT = "talkdesk-encrypted-1";

const IV_BYTES = 12;
const NAME_BYTES = 8;

/** What one secret is good for. */
interface SecretKey {
  /** Says in each record which secret wrote it, and nothing about the secret. */
  readonly name: string;
  readonly key: Awaited<ReturnType<typeof crypto.subtle.deriveKey>>;
}

/**
 * Encrypts what a store holds, so that whoever reads its database learns nothing but the keys, and how long a record
 * is and when it changed. What is read is what was written under that key: a record that was altered, cut short, or
 * moved from another key is refused. One that is older, put back in place, is not.
 *
 * AES-256-GCM with a random initialisation vector, by Web Crypto, and a key that HKDF-SHA-256 makes of a secret.
 * Keys, versions, locks and errors of the inner store pass through.
 *
 * The first secret encrypts whatever is written, and all of them read. To replace one, give the new one second until
 * every process knows it, then first; leave the old one out when no record of its time is left.
 *
 * @param secrets Random, of 32 characters or more, such as `openssl rand -base64 32` prints. A secret is not a
 *   password: whoever has the database can try guesses without limit. {@link checkSecret} says what is refused.
 * @throws TypeError at once, for a store or a secret that cannot be used, without repeating the secret.
 * @throws TalkdeskError (rejection of `read`) `store_corrupt`: a record of another origin, of an unknown secret or key,
 *   or not whole. Nothing is deleted.
 * @see RFC 5869; NIST SP 800-38D
 */
export function encryptedStore(store: TokenStore, secrets: string | readonly string[]): TokenStore {
  checkTokenStore(store);
  const texts: readonly unknown[] = Array.isArray(secrets) ? [...secrets] : [secrets];
  if (texts.length === 0) throw new TypeError("Give at least one secret to encrypt with.");
  for (const text of texts) checkSecret(text);

  let deriving: Promise<readonly SecretKey[]> | undefined;
  function secretKeys(): Promise<readonly SecretKey[]> {
    deriving ??= Promise.all((texts as readonly string[]).map(secretKey));
    return deriving;
  }

  return Object.freeze<TokenStore>({
    async read(key) {
      const stored = await store.read(key);
      if (stored === undefined) return undefined;
      return { value: await decrypt(await secretKeys(), key, stored.value), version: stored.version };
    },
    async write(key, value, options) {
      if (typeof value !== "string" || !isWellFormed(value)) {
        throw new TypeError("value must be a string of well-formed Unicode.");
      }
      return store.write(key, await encrypt(await secretKeys(), key, value), options);
    },
    delete: (key) => store.delete(key),
    lock: (key, options) => store.lock(key, options),
  });
}

async function secretKey(secret: string): Promise<SecretKey> {
  const material = await crypto.subtle.importKey("raw", utf8(secret), "HKDF", false, [
    "deriveBits",
    "deriveKey",
  ]);
  const [name, key] = await Promise.all([
    crypto.subtle.deriveBits(derivation("name"), material, NAME_BYTES * 8),
    crypto.subtle.deriveKey(derivation("key"), material, { name: "AES-GCM", length: 256 }, false, [
      "encrypt",
      "decrypt",
    ]),
  ]);
  return { name: encodeBase64url(new Uint8Array(name)), key };
}

const derivation = (of: string) => ({
  name: "HKDF",
  hash: "SHA-256",
  // The secret is random itself, and every process must come to the same key without asking another.
  salt: new Uint8Array(),
  info: utf8(`${FORMAT} ${of}`),
});

/** Format, name of the secret, initialisation vector with ciphertext and tag. */
async function encrypt(keys: readonly SecretKey[], recordKey: string, value: string): Promise<string> {
  const [first] = keys as readonly [SecretKey];
  const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
  const sealed = await crypto.subtle.encrypt(cipher(iv, recordKey), first.key, utf8(value));
  const bytes = new Uint8Array(IV_BYTES + sealed.byteLength);
  bytes.set(iv);
  bytes.set(new Uint8Array(sealed), IV_BYTES);
  return `${FORMAT}.${first.name}.${encodeBase64url(bytes)}`;
}

async function decrypt(keys: readonly SecretKey[], recordKey: string, record: unknown): Promise<string> {
  const [format, name, text, ...more] = typeof record === "string" ? record.split(".") : [];
  if (format !== FORMAT || text === undefined || more.length > 0) {
    throw corrupt(
      "is not one that this version encrypts. Check what else writes under this key, or delete it",
    );
  }
  const candidates = keys.filter((candidate) => candidate.name === name);
  if (candidates.length === 0) {
    throw corrupt("was encrypted with another secret. Give that one too, after the one to write with");
  }
  const bytes = bytesOf(text);
  for (const { key } of candidates) {
    try {
      const opened = await crypto.subtle.decrypt(
        cipher(bytes.subarray(0, IV_BYTES), recordKey),
        key,
        bytes.subarray(IV_BYTES),
      );
      return new TextDecoder("utf-8", { ignoreBOM: true }).decode(opened);
    } catch {
      // All that Web Crypto says is that it failed.
    }
  }
  throw corrupt("was altered, cut short, or written under another key. Delete it");
}

/** A record is bound to its key: under another one it does not open. JSON, so that no two keys look alike in UTF-8. */
const cipher = (iv: Uint8Array<ArrayBuffer>, recordKey: string) => ({
  name: "AES-GCM",
  iv,
  additionalData: utf8(JSON.stringify([FORMAT, recordKey])),
});

const corrupt = (what: string): TalkdeskError =>
  new TalkdeskError("store_corrupt", `The stored record could not be decrypted: it ${what}.`);

const utf8 = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

/** The bytes that {@link encodeBase64url} made the text of; none for a text that it would not have made. */
function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const bytes = decodeBase64(text);
  return bytes !== undefined && encodeBase64url(bytes) === text ? bytes : new Uint8Array();
}
