/**
 * Distinguished Encoding Rules of ASN.1, as much as certificates need.
 *
 * @see X.690 §8 and §10
 */

const BOOLEAN = 0x01;
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const NULL = 0x05;
const OBJECT_IDENTIFIER = 0x06;
const UTF8_STRING = 0x0c;
const UTC_TIME = 0x17;
const SEQUENCE = 0x30;
const SET = 0x31;
const CONTEXT_PRIMITIVE = 0x80;
const CONTEXT_CONSTRUCTED = 0xa0;

export const DER_NULL: Buffer = encode(NULL);
export const DER_TRUE: Buffer = encode(BOOLEAN, Buffer.of(0xff));

export function encodeSequence(...parts: readonly Uint8Array[]): Buffer {
  return encode(SEQUENCE, ...parts);
}

export function encodeSet(...parts: readonly Uint8Array[]): Buffer {
  return encode(SET, ...parts);
}

/** Encodes a number that is not negative, from its bytes. */
export function encodeInteger(bytes: Uint8Array): Buffer {
  const isNegative = (bytes[0] ?? 0) >= 0x80;
  return encode(INTEGER, isNegative ? Buffer.concat([Buffer.alloc(1), bytes]) : bytes);
}

export function encodeBitString(bytes: Uint8Array, unusedBits = 0): Buffer {
  return encode(BIT_STRING, Buffer.of(unusedBits), bytes);
}

export function encodeOctetString(bytes: Uint8Array): Buffer {
  return encode(OCTET_STRING, bytes);
}

export function encodeUtf8String(text: string): Buffer {
  return encode(UTF8_STRING, Buffer.from(text));
}

/** Encodes an object identifier in its dotted form. */
export function encodeObjectIdentifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  return encode(OBJECT_IDENTIFIER, Buffer.from([first * 40 + second, ...rest].flatMap(toBase128)));
}

/** Encodes a time before 2050, to the second. */
export function encodeTime(time: Date): Buffer {
  const digits = time.toISOString().replace(/\D/g, "").slice(2, 14);
  return encode(UTC_TIME, Buffer.from(`${digits}Z`));
}

/** Encodes bytes under a context-specific tag. */
export function encodeTagged(tag: number, bytes: Uint8Array): Buffer {
  return encode(CONTEXT_PRIMITIVE | tag, bytes);
}

/** Encodes other encodings under a context-specific tag. */
export function encodeTaggedParts(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  return encode(CONTEXT_CONSTRUCTED | tag, ...parts);
}

function toBase128(number: number): readonly number[] {
  const digits = [number & 0x7f];
  for (let rest = number >> 7; rest > 0; rest >>= 7) digits.unshift((rest & 0x7f) | 0x80);
  return digits;
}

function encode(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const head =
    length < 0x80
      ? [tag, length]
      : length < 0x100
        ? [tag, 0x81, length]
        : [tag, 0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(head), content]);
}
