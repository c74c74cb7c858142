import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import {
  DER_TRUE,
  encodeBitString,
  encodeInteger,
  encodeObjectIdentifier,
  encodeOctetString,
  encodeSequence,
  encodeSet,
  encodeTagged,
  encodeTaggedParts,
  encodeTime,
  encodeUtf8String,
} from "../base/der.js";

/** What an HTTPS server on this machine needs, as PEM. */
export interface TlsIdentity {
  /** The certificate of the server, for `localhost`, 127.0.0.1 and ::1. */
  readonly cert: string;
  /** The private key of the server. */
  readonly key: string;
  /** The certificate of the authority that issued it, for clients to trust. */
  readonly ca: string;
}

const ECDSA_WITH_SHA256 = encodeSequence(encodeObjectIdentifier("1.2.840.10045.4.3.2"));
const COMMON_NAME = encodeObjectIdentifier("2.5.4.3");
const SERVER_AUTHENTICATION = encodeObjectIdentifier("1.3.6.1.5.5.7.3.1");
/** The extensions of RFC 5280 §4.2.1. */
const EXTENSIONS = {
  subjectKeyIdentifier: encodeObjectIdentifier("2.5.29.14"),
  keyUsage: encodeObjectIdentifier("2.5.29.15"),
  subjectAltName: encodeObjectIdentifier("2.5.29.17"),
  basicConstraints: encodeObjectIdentifier("2.5.29.19"),
  nameConstraints: encodeObjectIdentifier("2.5.29.30"),
  authorityKeyIdentifier: encodeObjectIdentifier("2.5.29.35"),
  extendedKeyUsage: encodeObjectIdentifier("2.5.29.37"),
};
/** The kinds of names of RFC 5280 §4.2.1.6. */
const DNS_NAME = 2;
const IP_ADDRESS = 7;

const LOCALHOST = Buffer.from("localhost");
const IPV4_LOOPBACK = Buffer.of(127, 0, 0, 1);
const IPV6_LOOPBACK = Buffer.concat([Buffer.alloc(15), Buffer.of(1)]);

const DAY_MS = 86_400_000;
// Browsers refuse longer ones. An emulator makes new certificates whenever it starts.
const LIFETIME_DAYS = 365;

/**
 * Makes an authority and a certificate for a server on this machine, with new random keys.
 *
 * Trusting the authority is safe: its key is forgotten here, and its certificate is for names of this machine only.
 */
export function makeTlsIdentity(): TlsIdentity {
  const authority = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const server = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const authorityName = makeName(`Talkdesk emulator, ${randomBytes(4).toString("hex")}`);
  const authorityId = identifyKey(authority.publicKey);

  const ca = makeCertificate({
    subject: authorityName,
    subjectKey: authority.publicKey,
    issuer: authorityName,
    issuerKey: authority.privateKey,
    extensions: [
      makeExtension("basicConstraints", encodeSequence(DER_TRUE, encodeInteger(Buffer.of(0))), true),
      // keyCertSign
      makeExtension("keyUsage", encodeBitString(Buffer.of(0x04), 2), true),
      makeExtension("nameConstraints", encodeSequence(encodeTaggedParts(0, ...makePermittedNames())), true),
      makeExtension("subjectKeyIdentifier", encodeOctetString(authorityId)),
    ],
  });
  const cert = makeCertificate({
    subject: makeName("localhost"),
    subjectKey: server.publicKey,
    issuer: authorityName,
    issuerKey: authority.privateKey,
    extensions: [
      makeExtension("basicConstraints", encodeSequence(), true),
      // digitalSignature
      makeExtension("keyUsage", encodeBitString(Buffer.of(0x80), 7), true),
      makeExtension("extendedKeyUsage", encodeSequence(SERVER_AUTHENTICATION)),
      makeExtension(
        "subjectAltName",
        encodeSequence(
          encodeTagged(DNS_NAME, LOCALHOST),
          encodeTagged(IP_ADDRESS, IPV4_LOOPBACK),
          encodeTagged(IP_ADDRESS, IPV6_LOOPBACK),
        ),
      ),
      makeExtension("authorityKeyIdentifier", encodeSequence(encodeTagged(0, authorityId))),
      makeExtension("subjectKeyIdentifier", encodeOctetString(identifyKey(server.publicKey))),
    ],
  });
  return {
    cert: toPem(cert),
    key: server.privateKey.export({ format: "pem", type: "pkcs8" }) as string,
    ca: toPem(ca),
  };
}

/** Names this machine as a list of GeneralSubtree (RFC 5280 §4.2.1.10): an address is followed by its mask. */
function makePermittedNames(): readonly Buffer[] {
  const addresses = [IPV4_LOOPBACK, IPV6_LOOPBACK].map((address) =>
    encodeTagged(IP_ADDRESS, Buffer.concat([address, Buffer.alloc(address.length, 0xff)])),
  );
  return [encodeTagged(DNS_NAME, LOCALHOST), ...addresses].map((name) => encodeSequence(name));
}

function makeName(commonName: string): Buffer {
  return encodeSequence(encodeSet(encodeSequence(COMMON_NAME, encodeUtf8String(commonName))));
}

function makeExtension(name: keyof typeof EXTENSIONS, value: Buffer, isCritical = false): Buffer {
  const critical = isCritical ? [DER_TRUE] : [];
  return encodeSequence(EXTENSIONS[name], ...critical, encodeOctetString(value));
}

/** Makes a certificate of version 3 (RFC 5280 §4.1). */
function makeCertificate(parts: {
  readonly subject: Buffer;
  readonly subjectKey: KeyObject;
  readonly issuer: Buffer;
  readonly issuerKey: KeyObject;
  readonly extensions: readonly Buffer[];
}): Buffer {
  const { subject, subjectKey, issuer, issuerKey, extensions } = parts;
  const now = Date.now();
  const serial = randomBytes(16);
  // The number must be positive, and its first byte must not be 0.
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40;
  const body = encodeSequence(
    encodeTaggedParts(0, encodeInteger(Buffer.of(2))),
    encodeInteger(serial),
    ECDSA_WITH_SHA256,
    issuer,
    // A day back, for a client whose clock is behind.
    encodeSequence(encodeTime(new Date(now - DAY_MS)), encodeTime(new Date(now + LIFETIME_DAYS * DAY_MS))),
    subject,
    exportSpki(subjectKey),
    encodeTaggedParts(3, encodeSequence(...extensions)),
  );
  return encodeSequence(body, ECDSA_WITH_SHA256, encodeBitString(sign("sha256", body, issuerKey)));
}

function identifyKey(publicKey: KeyObject): Buffer {
  return createHash("sha256").update(exportSpki(publicKey)).digest().subarray(0, 20);
}

function exportSpki(publicKey: KeyObject): Buffer {
  return publicKey.export({ format: "der", type: "spki" });
}

function toPem(certificate: Buffer): string {
  const lines = certificate.toString("base64").match(/.{1,64}/g) ?? [];
  return ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n");
}
