/** Longer than any key that is in use: an RSA key of 16 384 bits has some 12 500 characters. */
const MAX_CHARACTERS = 32_768;

/**
 * What to do about a key in another form; the command reads them all.
 * @internal
 */
export const CONVERT = "convert it: openssl pkey -in key.pem writes it as PKCS#8";

/** @internal */
export const ENCRYPTED = "is encrypted; decrypt it first: openssl pkey -in key.pem writes it in the clear";
/** @internal */
export const CERTIFICATE = "is a certificate; give the private key that belongs to it";
/** @internal */
export const PUBLIC = "is a public key; give the private key that belongs to it";

/**
 * A mistake with a private key, in words that repeat nothing of it.
 * @internal
 */
export const keyFault = (what: string): TypeError => new TypeError(`privateKey ${what}.`);

/**
 * The bytes that the text of a key stands for: Base64 in one line or many, with or without PEM armour, with line
 * breaks of any kind, those written as `\n` included.
 *
 * @throws TypeError for anything else, and for armour of something that is not a private key in the clear.
 * @see RFC 7468
 * @internal
 */
export function keyBytes(text: string): Uint8Array {
  if (text.length > MAX_CHARACTERS) throw keyFault("is too long to be a private key");
  const plain = text.replace(/\\+[rn]/g, "\n").trim();
  if (plain === "") throw keyFault("must not be empty");
  if (plain.startsWith("{")) {
    throw keyFault("must not be JSON; import a JWK with crypto.subtle.importKey and give the CryptoKey");
  }
  const encoded = (plain.includes("-----") ? withoutArmour(plain) : plain).replace(/\s+/g, "");
  const [, digits = ""] = /^([A-Za-z0-9+/]+)={0,2}$/.exec(encoded) ?? [];
  if (digits === "" || digits.length % 4 === 1) {
    throw keyFault(
      "must be Base64 or PEM; give the key itself and whole, not the name of its file, and without quotes around it",
    );
  }
  return Uint8Array.from(atob(digits), (character) => character.charCodeAt(0));
}

/** The Base64 in the one block of PEM that is a private key; what else stands around it says nothing. */
function withoutArmour(text: string): string {
  const blocks = [...text.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \1-----/gs)];
  if (blocks.length === 0) {
    throw keyFault("must have both lines of its armour, -----BEGIN … to -----END …; paste it whole");
  }
  const keys = blocks.filter(([, label = ""]) => label.endsWith("PRIVATE KEY"));
  const [[, label = "", body = ""] = [], second] = keys;
  if (second !== undefined) throw keyFault("must be one private key, not several");
  if (label === "") {
    const labels = blocks.map(([, other = ""]) => other);
    if (labels.some((other) => other.endsWith("CERTIFICATE"))) throw keyFault(CERTIFICATE);
    if (labels.some((other) => other.endsWith("PUBLIC KEY"))) throw keyFault(PUBLIC);
    throw keyFault("has armour of something that is not a private key");
  }
  if (label.includes("ENCRYPTED") || body.includes("ENCRYPTED")) throw keyFault(ENCRYPTED);
  if (label.startsWith("OPENSSH")) throw keyFault(`is in the form of OpenSSH; ${CONVERT}`);
  return body;
}
