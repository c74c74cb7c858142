import { createPublicKey, type KeyObject, sign } from "node:crypto";

/**
 * Makes an X.509 certificate for a public key, signed with an RSA key: RSA signatures of this kind do not vary, so the
 * same keys give the same certificate. It is good for nothing but to be read.
 *
 * @see RFC 5280 §4.1
 */
export function certificateFor(subjectKey: KeyObject, issuerKey: KeyObject): Buffer {
  const spki = createPublicKey(subjectKey).export({ format: "der", type: "spki" });
  const signatureAlgorithm = sequence(sha256WithRsa, tagged(nullTag));
  const name = sequence(
    tagged(setTag, sequence(commonName, tagged(utf8Tag, Buffer.from("Talkdesk emulator")))),
  );
  const body = sequence(
    tagged(integerTag, Buffer.of(1)),
    signatureAlgorithm,
    name,
    sequence(utcTime("240101000000Z"), utcTime("491231235959Z")),
    name,
    spki,
  );
  const signature = sign("sha256", body, issuerKey);
  return sequence(body, signatureAlgorithm, tagged(bitStringTag, Buffer.of(0), signature));
}

const integerTag = 0x02;
const bitStringTag = 0x03;
const nullTag = 0x05;
const utf8Tag = 0x0c;
const utcTimeTag = 0x17;
const sequenceTag = 0x30;
const setTag = 0x31;
// 1.2.840.113549.1.1.11 and 2.5.4.3
const sha256WithRsa = Buffer.from("06092a864886f70d01010b", "hex");
const commonName = Buffer.from("0603550403", "hex");

function sequence(...parts: readonly Buffer[]): Buffer {
  return tagged(sequenceTag, ...parts);
}

function utcTime(text: string): Buffer {
  return tagged(utcTimeTag, Buffer.from(text));
}

/** Writes a tag, the length and the content in DER. */
function tagged(tag: number, ...parts: readonly Buffer[]): Buffer {
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
