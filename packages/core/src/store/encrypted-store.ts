import { decodeBase64, encodeBase64url } from "../base/encodings.js";
import { TalkdeskError } from "../base/errors.js";
import { isWellFormed } from "../base/secret-text.js";
import { checkSecret } from "./secret-strength.js";
import { checkTokenStore, type TokenStore } from "./token-store.js";

/** Begins each record, so that a later version can recognise the format. */
const FORMAT = "talkdesk-encrypted-1";
const NEWER_FORMAT = /^talkdesk-encrypted-([2-9]|[1-9]\d+)$/;

const IV_BYTES = 12;
const NAME_BYTES = 8;

/** What is derived from one secret. */
interface SecretKey {
  /** Names the secret in each record that it wrote, and reveals nothing about it. */
  readonly name: string;
  readonly key: Awaited<ReturnType<typeof crypto.subtle.deriveKey>>;
}

/**
 * Wraps a store so that its records are encrypted. A reader of the database sees only the keys, the length of each record
 * and when it changed. A record that was altered, cut short, or moved from another key is refused; an older record that
 * was put back under its own key is not.
 *
 * It uses AES-256-GCM of Web Crypto with a random initialisation vector, and derives the key from the secret by
 * HKDF-SHA-256. Keys, versions, locks and errors of the inner store pass through.
 *
 * The first secret encrypts, and all of them decrypt. To replace a secret, add the new one as the second until every
 * process knows it, then make it the first. Remove the old one when all its records have expired.
 *
 * @param secrets Random strings of 32 characters or more, such as `openssl rand -base64 32` prints. A password is not
 *   enough, because an attacker with the database can guess without limit. {@link checkSecret} says what is refused.
 * @throws
 * - TypeError at once: the store or a secret cannot be used. The error does not repeat the secret.
 * - TalkdeskError (rejection of `read`) `store_corrupt`: a record that is not encrypted, incomplete, or of an unknown
 *   secret or another key. Nothing is deleted.
 * - Error (rejection of `read`) with the `code` `record_newer`: a newer version of this package encrypted the record. Sources
 *   reject with `store_unavailable` then, and leave the record as it is.
 * @example
 * const secret = await readSecret("token-store");
 * const encrypted = encryptedStore(store, secret);
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
  // No salt, so that every process derives the same key; the secret is random already.
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
  if (NEWER_FORMAT.test(format ?? "")) {
    const message =
      "A newer version of @talkdesk-oauth/core encrypted the record. It is kept; update this process.";
    throw Object.assign(new Error(message), { code: "record_newer" });
  }
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
      // Web Crypto gives no reason. The next secret may have the same name.
    }
  }
  throw corrupt("was altered, cut short, or written under another key. Delete it");
}

/** Binds a record to its key. JSON, because lone surrogates of different keys would be equal in UTF-8. */
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
