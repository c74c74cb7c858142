import { createPublicKey, type KeyObject, sign } from "node:crypto";
import {
  DER_NULL,
  encodeBitString,
  encodeInteger,
  encodeObjectIdentifier,
  encodeSequence,
  encodeSet,
  encodeTime,
  encodeUtf8String,
} from "../base/der.js";

const SHA256_WITH_RSA = encodeObjectIdentifier("1.2.840.113549.1.1.11");
const COMMON_NAME = encodeObjectIdentifier("2.5.4.3");

/**
 * Makes an X.509 certificate for a public key. It is signed with an RSA key: such signatures are deterministic, so the same
 * keys give the same certificate. The certificate can be read, and proves nothing.
 *
 * @see RFC 5280 §4.1
 */
export function makeCertificate(subjectKey: KeyObject, issuerKey: KeyObject): Buffer {
  const spki = createPublicKey(subjectKey).export({ format: "der", type: "spki" });
  const signatureAlgorithm = encodeSequence(SHA256_WITH_RSA, DER_NULL);
  const name = encodeSequence(encodeSet(encodeSequence(COMMON_NAME, encodeUtf8String("Talkdesk emulator"))));
  const body = encodeSequence(
    encodeInteger(Buffer.of(1)),
    signatureAlgorithm,
    name,
    encodeSequence(
      encodeTime(new Date("2024-01-01T00:00:00Z")),
      encodeTime(new Date("2049-12-31T23:59:59Z")),
    ),
    name,
    spki,
  );
  return encodeSequence(body, signatureAlgorithm, encodeBitString(sign("sha256", body, issuerKey)));
}
