/**
 * The ASN.1 tags that occur in keys.
 * @see X.690 §8.1.2
 * @internal
 */
export const TAG = {
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  objectId: 0x06,
  sequence: 0x30,
  /** `[0]` and `[1]`, with an element inside. */
  explicit0: 0xa0,
  explicit1: 0xa1,
  /** `[1]` in place of the tag of a BIT STRING. */
  implicit1: 0x81,
} as const;

/**
 * One element of DER.
 * @internal
 */
export interface DerElement {
  readonly tag: number;
  readonly content: Uint8Array;
}

/**
 * Parses a sequence of DER elements. Returns undefined for bytes that are not DER or end within an element. Tags have
 * one byte, as in all keys.
 *
 * @see X.690 §10.1
 * @internal
 */
export function parseDer(bytes: Uint8Array): readonly DerElement[] | undefined {
  const elements: DerElement[] = [];
  for (let rest = bytes; rest.length > 0; ) {
    const [tag = 0, first = 0x80] = rest;
    const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
    let length = first;
    if (first >= 0x80) {
      length = 0;
      for (const byte of rest.subarray(2, 2 + lengthBytes)) length = length * 0x100 + byte;
      // DER allows the shortest form only, and no indefinite one. No key has a length of four bytes.
      if (lengthBytes > 3 || length < 0x80 || (lengthBytes > 1 && length < 0x100 ** (lengthBytes - 1)))
        return;
    }
    const start = 2 + lengthBytes;
    if ((tag & 0x1f) === 0x1f || start + length > rest.length) return;
    elements.push({ tag, content: rest.subarray(start, start + length) });
    rest = rest.subarray(start + length);
  }
  return elements;
}

/**
 * Encodes one element with these contents.
 * @internal
 */
export function encodeDer(tag: number, ...contents: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const length = contents.reduce((sum, part) => sum + part.length, 0);
  const lengthBytes: number[] = [];
  for (let rest = length; rest > 0; rest >>>= 8) lengthBytes.unshift(rest & 0xff);
  const header = length < 0x80 ? [tag, length] : [tag, 0x80 | lengthBytes.length, ...lengthBytes];
  const element = new Uint8Array(header.length + length);
  element.set(header);
  let offset = header.length;
  for (const part of contents) {
    element.set(part, offset);
    offset += part.length;
  }
  return element;
}
