import { decodeBase64 } from "../base/encodings.js";

/** Longer than any key in use: an RSA key of 16 384 bits has about 12 500 characters. */
const MAX_CHARACTERS = 32_768;

/**
 * The advice for a key in another format. The command reads all of them.
 * @internal
 */
export const CONVERT = "convert it: openssl pkey -in key.pem writes it as PKCS#8";

/**
 * The faults of text that holds something other than a private key in the clear.
 * @internal
 */
export const ENCRYPTED = "is encrypted; decrypt it first: openssl pkey -in key.pem writes it in the clear";
/** @internal */
export const CERTIFICATE = "is a certificate; give the private key that belongs to it";
/** @internal */
export const PUBLIC = "is a public key; give the private key that belongs to it";

/**
 * The error for a private key that cannot be used. It repeats nothing of the key.
 * @internal
 */
export const keyFault = (what: string): TypeError => new TypeError(`privateKey ${what}.`);

/**
 * Decodes the text of a key: Base64 in one line or many, with or without PEM armour, with line breaks of any kind,
 * including the two characters `\n`.
 *
 * @throws TypeError for any other text, and for PEM of something other than a private key in the clear.
 * @see RFC 7468
 * @internal
 */
export function decodeKey(text: string): Uint8Array {
  if (text.length > MAX_CHARACTERS) throw keyFault("is too long to be a private key");
  const plain = restoreLineBreaks(text).trim();
  if (plain === "") throw keyFault("must not be empty");
  if (plain.startsWith("{")) {
    throw keyFault("must not be JSON; import a JWK with crypto.subtle.importKey and give the CryptoKey");
  }
  const encoded = stripWhiteSpace(plain.includes("-----") ? stripArmour(plain) : plain);
  const padding = encoded.endsWith("==") ? 2 : encoded.endsWith("=") ? 1 : 0;
  const digits = encoded.slice(0, encoded.length - padding);
  const bytes = isBase64(digits) ? decodeBase64(digits) : undefined;
  if (bytes === undefined) {
    throw keyFault(
      "must be Base64 or PEM; give the key itself and whole, not the name of its file, and without quotes around it",
    );
  }
  return bytes;
}

/** Returns the Base64 of the one PEM block that is a private key. Other blocks and text around it are ignored. */
function stripArmour(text: string): string {
  const blocks = findBlocks(text);
  if (blocks.length === 0) {
    throw keyFault("must have both lines of its armour, -----BEGIN … to -----END …; paste it whole");
  }
  const [key, second] = blocks.filter(({ label }) => label.endsWith("PRIVATE KEY"));
  if (second !== undefined) throw keyFault("must be one private key, not several");
  if (key === undefined) {
    const labels = blocks.map(({ label }) => label);
    if (labels.some((other) => other.endsWith("CERTIFICATE"))) throw keyFault(CERTIFICATE);
    if (labels.some((other) => other.endsWith("PUBLIC KEY"))) throw keyFault(PUBLIC);
    throw keyFault("has armour of something that is not a private key");
  }
  const { label, body } = key;
  if (label.includes("ENCRYPTED") || body.includes("ENCRYPTED")) throw keyFault(ENCRYPTED);
  if (label.startsWith("OPENSSH")) throw keyFault(`is in the form of OpenSSH; ${CONVERT}`);
  return body;
}

interface Block {
  readonly label: string;
  readonly body: string;
}

const BEGIN = "-----BEGIN ";
const DASHES = "-----";

/** Returns the PEM blocks of a text: those whose BEGIN line has a matching END line. */
function findBlocks(text: string): readonly Block[] {
  const blocks: Block[] = [];
  for (let at = text.indexOf(BEGIN); at >= 0; at = text.indexOf(BEGIN, at)) {
    at += BEGIN.length;
    const labelEnd = text.indexOf(DASHES, at);
    const label = text.slice(at, Math.max(at, labelEnd));
    const end = `${DASHES}END ${label}${DASHES}`;
    const bodyEnd = isLabel(label) ? text.indexOf(end, labelEnd + DASHES.length) : -1;
    if (bodyEnd < 0) continue;
    blocks.push({ label, body: text.slice(labelEnd + DASHES.length, bodyEnd) });
    at = bodyEnd + end.length;
  }
  return blocks;
}

// No regular expressions here: they would keep the text of the key (see secret-text.ts).

const LABEL_CHARACTERS = new Set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ");

const isLabel = (text: string): boolean => isMadeOf(text, LABEL_CHARACTERS);

const BASE64_DIGITS = new Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");

const isBase64 = (text: string): boolean => isMadeOf(text, BASE64_DIGITS);

const isMadeOf = (text: string, characters: ReadonlySet<string>): boolean =>
  text !== "" && [...text].every((character) => characters.has(character));

const stripWhiteSpace = (text: string): string =>
  [...text].filter((character) => character.trim() !== "").join("");

/** Replaces `\n` and `\r` with a line break, with any number of backslashes before the letter. */
function restoreLineBreaks(text: string): string {
  let plain = "";
  for (let at = 0; at < text.length; ) {
    let end = at;
    while (text[end] === "\\") end += 1;
    const isBreak = end > at && (text[end] === "n" || text[end] === "r");
    plain += isBreak ? "\n" : text.slice(at, end + 1);
    at = end + 1;
  }
  return plain;
}
