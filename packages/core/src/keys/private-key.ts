import { trimLeadingZeros } from "../base/encodings.js";
import { type DerElement, encodeDer, parseDer, TAG } from "./der.js";
import { CERTIFICATE, CONVERT, decodeKey, ENCRYPTED, keyFault, PUBLIC } from "./key-text.js";

/** A curve of ECDSA, as WebCrypto calls it. @internal */
export type Curve = "P-256" | "P-384" | "P-521";

/** A hash, as WebCrypto calls it. @internal */
export type Hash = "SHA-256" | "SHA-384" | "SHA-512";

/**
 * A private key, with what its structure says about it.
 * @internal
 */
export type PrivateKey = {
  /** PKCS#8 in DER, without optional parts that some platforms do not read. */
  readonly pkcs8: Uint8Array<ArrayBuffer>;
} & (
  | { readonly type: "EC"; readonly curve: Curve }
  /** `hash` is the only hash the key allows; undefined when the key does not restrict it. */
  | { readonly type: "RSA"; readonly hash: Hash | undefined }
);

/**
 * The shortest RSA key that may sign.
 * @see RFC 7518 §3.5
 * @internal
 */
export const MIN_RSA_BITS = 2048;

/** Object identifiers, as the hexadecimal digits of their DER contents. */
const OID = {
  rsaEncryption: "2a864886f70d010101",
  rsassaPss: "2a864886f70d01010a",
  ecPublicKey: "2a8648ce3d0201",
};
const CURVES: ReadonlyMap<string, { readonly curve: Curve; readonly size: number }> = new Map([
  ["2a8648ce3d030107", { curve: "P-256", size: 32 }],
  ["2b81040022", { curve: "P-384", size: 48 }],
  ["2b81040023", { curve: "P-521", size: 66 }],
]);
const HASHES: ReadonlyMap<string, Hash> = new Map([
  ["608648016503040201", "SHA-256"],
  ["608648016503040202", "SHA-384"],
  ["608648016503040203", "SHA-512"],
]);
/** Other kinds of keys that people have, so that an error can name them. */
const UNFIT: ReadonlyMap<string, string> = new Map([
  ["2b8104000a", "secp256k1"],
  ["2b6570", "Ed25519"],
  ["2b6571", "Ed448"],
  ["2b656e", "X25519"],
  ["2b656f", "X448"],
  ["2a8648ce380401", "DSA"],
]);
const FIT = "Talkdesk's keys use P-256, P-384, P-521 or RSA";

const INCOMPLETE = "is not a whole private key; paste it again, from its first character to its last";

/**
 * Reads a private key: PKCS#8, or an EC key of SEC 1, in any text that {@link decodeKey} takes. The label of the armour
 * does not count: Talkdesk's own sample has PKCS#8 between lines that say `EC PRIVATE KEY`.
 *
 * @throws TypeError for anything else. The message says what kind of text it is, where that can be seen, and repeats
 *   nothing of it.
 * @see RFC 5958 (PKCS#8), RFC 5915 (EC), RFC 8017 §A.1.2 (RSA)
 * @internal
 */
export function readPrivateKey(text: string): PrivateKey {
  const parts = parseSequence(parseDer(decodeKey(text))) ?? [];
  const [first, second, third, ...others] = parts;
  switch (shapeOf(...parts.slice(0, 3).map(({ tag }) => tag))) {
    case shapeOf(TAG.integer, TAG.sequence, TAG.octetString):
      return readPkcs8(first, second, third, others);
    case shapeOf(TAG.integer, TAG.octetString):
    case shapeOf(TAG.integer, TAG.octetString, TAG.explicit0):
    case shapeOf(TAG.integer, TAG.octetString, TAG.explicit1):
      return readEc(parts);
    case shapeOf(TAG.sequence, TAG.octetString):
      throw keyFault(ENCRYPTED);
    case shapeOf(TAG.sequence, TAG.sequence, TAG.bitString):
      throw keyFault(CERTIFICATE);
    case shapeOf(TAG.sequence, TAG.bitString):
    case shapeOf(TAG.integer, TAG.integer):
      throw keyFault(PUBLIC);
    case shapeOf(TAG.integer, TAG.integer, TAG.integer):
      throw keyFault(`is in the form of PKCS#1, not PKCS#8; ${CONVERT}`);
    default:
      throw keyFault(INCOMPLETE);
  }
}

/** Names a structure by the tags at its beginning, which tell PKCS#8, SEC 1, certificates and public keys apart. */
const shapeOf = (...tags: readonly number[]): string => tags.join();

function readPkcs8(
  version: DerElement | undefined,
  algorithm: DerElement | undefined,
  key: DerElement | undefined,
  others: readonly DerElement[],
): PrivateKey {
  const [id, parameters, ...rest] = parseSequence(toList(algorithm)) ?? [];
  const inner = parseSequence(parseDer(key?.content ?? new Uint8Array()));
  const isWhole = others.every(({ tag }) => tag === TAG.explicit0 || tag === TAG.implicit1);
  if (!["00", "01"].includes(toHex(version)) || id?.tag !== TAG.objectId || rest.length > 0 || !isWhole) {
    throw keyFault(INCOMPLETE);
  }
  switch (toHex(id)) {
    case OID.ecPublicKey:
      return readEc(inner, parameters);
    case OID.rsaEncryption:
      return readRsa(inner);
    case OID.rsassaPss:
      return readRsa(inner, parameters);
    default:
      throw keyFault(`is of ${UNFIT.get(toHex(id)) ?? "another kind"}; ${FIT}`);
  }
}

/** Reads an ECPrivateKey. Its curve may be named outside of it, inside, or in both places. */
function readEc(parts: readonly DerElement[] | undefined, outerCurve?: DerElement): PrivateKey {
  const [version, scalar, ...others] = parts ?? [];
  const named = others.find(({ tag }) => tag === TAG.explicit0);
  const point = others.find(({ tag }) => tag === TAG.explicit1);
  const innerCurve = named && takeOnly(parseDer(named.content));
  const isWhole = others.every((part) => part === named || part === point);
  if (toHex(version) !== "01" || scalar?.tag !== TAG.octetString || !isWhole) throw keyFault(INCOMPLETE);

  const id = outerCurve ?? innerCurve;
  if (id?.tag !== TAG.objectId) {
    throw keyFault(`must name its curve, rather than describe it or leave it out; ${FIT}`);
  }
  const known = CURVES.get(toHex(id));
  if (known === undefined) throw keyFault(`is of ${UNFIT.get(toHex(id)) ?? "another curve"}; ${FIT}`);
  if (innerCurve !== undefined && toHex(innerCurve) !== toHex(id))
    throw keyFault("names two different curves");

  const { curve, size } = known;
  const number = trimLeadingZeros(scalar.content);
  if (number.length === 0 || number.length > size) throw keyFault(INCOMPLETE);
  // Some programs leave out its leading zeros, which RFC 5915 §3 forbids and some platforms refuse.
  const padded = new Uint8Array(size);
  padded.set(number, size - number.length);
  return {
    type: "EC",
    curve,
    pkcs8: encodePkcs8(
      [encodeDer(TAG.objectId, fromHex(OID.ecPublicKey)), encodeDer(TAG.objectId, id.content)],
      encodeDer(
        TAG.sequence,
        encodeDer(TAG.integer, Uint8Array.of(1)),
        encodeDer(TAG.octetString, padded),
        ...(point === undefined ? [] : encodePublicPoint(point, size)),
      ),
    ),
  };
}

/** Returns the public half where it is given uncompressed. Otherwise the platform computes it. */
function encodePublicPoint({ content }: DerElement, size: number): Uint8Array[] {
  const bits = takeOnly(parseDer(content));
  const [unused, form = 0] = bits?.content ?? [];
  const length = (bits?.content.length ?? 0) - 2;
  const isFull = form === 4 && length === 2 * size;
  const isCompressed = (form === 2 || form === 3) && length === size;
  if (bits?.tag !== TAG.bitString || unused !== 0 || !(isFull || isCompressed)) throw keyFault(INCOMPLETE);
  return isFull ? [encodeDer(TAG.explicit1, encodeDer(TAG.bitString, bits.content))] : [];
}

function readRsa(parts: readonly DerElement[] | undefined, restrictions?: DerElement): PrivateKey {
  const [version, modulus] = parts ?? [];
  const isWhole =
    parts?.length === 9 &&
    parts.every(({ tag, content: [first = 0x80] }) => tag === TAG.integer && first < 0x80) &&
    toHex(version) === "00";
  if (!isWhole || modulus === undefined) throw keyFault(INCOMPLETE);
  const digits = trimLeadingZeros(modulus.content);
  const bits = digits.length === 0 ? 0 : digits.length * 8 - Math.clz32(digits[0] ?? 0) + 24;
  if (bits < MIN_RSA_BITS) {
    throw keyFault(`is an RSA key of ${bits} bits; it needs ${MIN_RSA_BITS} or more`);
  }
  const hash = restrictions && readAllowedHash(restrictions);
  return {
    type: "RSA",
    hash,
    pkcs8: encodePkcs8(
      // Platforms import RSASSA-PSS keys only under this identifier.
      [encodeDer(TAG.objectId, fromHex(OID.rsaEncryption)), encodeDer(TAG.null)],
      encodeDer(TAG.sequence, ...parts.map(({ tag, content }) => encodeDer(tag, content))),
    ),
  };
}

/** Reads the hash that the parameters of an RSASSA-PSS key allow (RFC 4055 §3.1). */
function readAllowedHash(parameters: DerElement): Hash {
  const hashing = parseSequence([parameters])?.find(({ tag }) => tag === TAG.explicit0);
  const [id] = (hashing && parseSequence(parseDer(hashing.content))) ?? [];
  const hash = HASHES.get(toHex(id));
  if (hash === undefined) {
    throw keyFault("is an RSASSA-PSS key for another hash; it needs SHA-256, SHA-384 or SHA-512");
  }
  return hash;
}

function encodePkcs8(algorithm: readonly Uint8Array[], key: Uint8Array): Uint8Array<ArrayBuffer> {
  return encodeDer(
    TAG.sequence,
    encodeDer(TAG.integer, Uint8Array.of(0)),
    encodeDer(TAG.sequence, ...algorithm),
    encodeDer(TAG.octetString, key),
  );
}

const toList = (element: DerElement | undefined): readonly DerElement[] =>
  element === undefined ? [] : [element];

const takeOnly = (elements: readonly DerElement[] | undefined): DerElement | undefined =>
  elements?.length === 1 ? elements[0] : undefined;

/** Parses the content of a single SEQUENCE. */
function parseSequence(elements: readonly DerElement[] | undefined): readonly DerElement[] | undefined {
  const element = takeOnly(elements);
  return element?.tag === TAG.sequence ? parseDer(element.content) : undefined;
}

const toHex = (element: DerElement | undefined): string =>
  Array.from(element?.content ?? [], (byte) => byte.toString(16).padStart(2, "0")).join("");

const fromHex = (digits: string): Uint8Array =>
  Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
