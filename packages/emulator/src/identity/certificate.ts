import { createPublicKey, type KeyObject, sign } from "node:crypto";

// Tags of DER (X.690 §8).
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const NULL = 0x05;
const UTF8_STRING = 0x0c;
const UTC_TIME = 0x17;
const SEQUENCE = 0x30;
const SET = 0x31;
// The object identifiers 1.2.840.113549.1.1.11 and 2.5.4.3.
const SHA256_WITH_RSA = Buffer.from("06092a864886f70d01010b", "hex");
const COMMON_NAME = Buffer.from("0603550403", "hex");

/**
 * Makes an X.509 certificate for a public key. It is signed with an RSA key: such signatures are deterministic, so the same
 * keys give the same certificate. The certificate can be read, and proves nothing.
 *
 * @see RFC 5280 §4.1
 */
export function makeCertificate(subjectKey: KeyObject, issuerKey: KeyObject): Buffer {
  const spki = createPublicKey(subjectKey).export({ format: "der", type: "spki" });
  const signatureAlgorithm = encodeSequence(SHA256_WITH_RSA, encode(NULL));
  const commonName = encode(UTF8_STRING, Buffer.from("Talkdesk emulator"));
  const name = encodeSequence(encode(SET, encodeSequence(COMMON_NAME, commonName)));
  const body = encodeSequence(
    encode(INTEGER, Buffer.of(1)),
    signatureAlgorithm,
    name,
    encodeSequence(encodeTime("240101000000Z"), encodeTime("491231235959Z")),
    name,
    spki,
  );
  const signature = sign("sha256", body, issuerKey);
  return encodeSequence(body, signatureAlgorithm, encode(BIT_STRING, Buffer.of(0), signature));
}

function encodeSequence(...parts: readonly Buffer[]): Buffer {
  return encode(SEQUENCE, ...parts);
}

function encodeTime(text: string): Buffer {
  return encode(UTC_TIME, Buffer.from(text));
}

/** Encodes a tag, the length and the content in DER. */
function encode(tag: number, ...parts: readonly Buffer[]): Buffer {
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
