import { constants, generateKeyPairSync, type KeyObject, verify, type webcrypto } from "node:crypto";
import { inspect } from "node:util";
import { privateKeyJwt } from "@talkdesk-oauth/core";
import { selfSigned } from "@talkdesk-oauth/fixtures";
import fc from "fast-check";
import jwt from "jsonwebtoken";
import { describe, expect, it } from "vitest";
import {
  ALGORITHMS,
  type Algorithm,
  armoured,
  cryptoKey,
  isEc,
  issued,
  KEYS,
  pem,
  pkcs8,
  provedBy,
  type WithoutDefaults,
  wrapped,
} from "./support/signing-keys.js";

/** DER, written here for what no library writes. */
function der(tag: number, ...contents: readonly (Uint8Array | number[])[]): Buffer {
  const content = Buffer.concat(contents.map((part) => Buffer.from(part)));
  const { length } = content;
  const header =
    length < 128
      ? [tag, length]
      : length < 256
        ? [tag, 0x81, length]
        : [tag, 0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from(header), content]);
}
const oid = (hex: string): Buffer => der(0x06, Buffer.from(hex, "hex"));
const EC_PUBLIC_KEY = oid("2a8648ce3d0201");
const CURVE: Partial<Record<Algorithm, Buffer>> = {
  ES256: oid("2a8648ce3d030107"),
  ES384: oid("2b81040022"),
  ES512: oid("2b81040023"),
};
const SIZE: Partial<Record<Algorithm, number>> = { ES256: 32, ES384: 48, ES512: 66 };

/** The parts of an EC key by its JWK. */
function numbersOf(key: KeyObject): { d: Buffer; point: Buffer; compressed: Buffer } {
  const { d = "", x = "", y = "" } = key.export({ format: "jwk" });
  const [dBytes, xBytes, yBytes] = [d, x, y].map((part) => Buffer.from(part, "base64url")) as [
    Buffer,
    Buffer,
    Buffer,
  ];
  const parity = 2 + ((yBytes.at(-1) ?? 0) & 1);
  return {
    d: dBytes,
    point: Buffer.concat([Buffer.of(4), xBytes, yBytes]),
    compressed: Buffer.concat([Buffer.of(parity), xBytes]),
  };
}

interface EcParts {
  readonly version?: number;
  readonly innerVersion?: number;
  readonly d?: Uint8Array;
  readonly curve?: Buffer | undefined;
  readonly inner?: readonly Buffer[];
  readonly outer?: readonly Buffer[];
}

/** PKCS#8 of an EC key, with one thing about it changed. */
function ecPkcs8(
  algorithm: Algorithm,
  { version = 0, innerVersion = 1, inner = [], outer = [], ...parts }: EcParts,
): string {
  const { d } = numbersOf(KEYS[algorithm].privateKey);
  const key = der(0x30, der(2, [innerVersion]), der(4, parts.d ?? d), ...inner);
  const curve = parts.curve ?? CURVE[algorithm] ?? Buffer.of();
  return der(0x30, der(2, [version]), der(0x30, EC_PUBLIC_KEY, curve), der(4, key), ...outer).toString(
    "base64",
  );
}
const bits = (content: Uint8Array): Buffer => der(3, [0], content);

async function expectSignatureOf(
  algorithm: Algorithm,
  options: WithoutDefaults,
  publicKey = KEYS[algorithm].publicKey,
): Promise<void> {
  const now = 1_800_000_000_000;
  const body = await provedBy({ algorithm, ...options }, now);
  const { header } = jwt.verify(body.get("client_assertion") ?? "", publicKey, {
    algorithms: [algorithm],
    clockTimestamp: now / 1000,
    complete: true,
  });
  expect(header.alg).toBe(algorithm);
}

const FORMS: [string, (key: KeyObject) => string][] = [
  ["one line of Base64, as issued", issued],
  ["Base64 without padding", (key) => issued(key).replaceAll("=", "")],
  ["Base64 that ends with a line break", (key) => `${issued(key)}\n`],
  ["Base64 that was wrapped", (key) => wrapped(issued(key))],
  ["Base64 that was wrapped at 76 columns by CR LF", (key) => wrapped(issued(key), 76, "\r\n")],
  ["Base64 that was wrapped by a literal \\n", (key) => wrapped(issued(key), 64, "\\n")],
  ["PEM", pem],
  ["PEM of CR LF lines", (key) => pem(key).replaceAll("\n", "\r\n")],
  ["PEM of CR lines", (key) => pem(key).replaceAll("\n", "\r")],
  ["PEM with literal \\n", (key) => pem(key).replaceAll("\n", "\\n")],
  ["PEM with literal \\r\\n", (key) => pem(key).replaceAll("\n", "\\r\\n")],
  ["PEM with literal \\\\n", (key) => pem(key).replaceAll("\n", "\\\\n")],
  ["PEM whose breaks became spaces", (key) => pem(key).replaceAll("\n", " ")],
  ["PEM whose breaks were lost", (key) => pem(key).replaceAll("\n", "")],
  ["PEM of one long line", (key) => armoured(issued(key), "PRIVATE KEY")],
  ["PEM with white space around it and in it", (key) => `\ufeff\n\t${pem(key).replaceAll("\n", "\n  ")}\n\n`],
  ["PEM after words about it", (key) => `Bag Attributes\n    friendlyName: x\n${pem(key)}`],
  [
    "PEM beside a certificate",
    (key) => `${armoured("AAAA", "CERTIFICATE")}${pem(key)}${armoured("AAAA", "CERTIFICATE")}`,
  ],
  ["PKCS#8 in the armour of EC", (key) => armoured(wrapped(issued(key)), "EC PRIVATE KEY")],
  ["PKCS#8 in the armour of RSA", (key) => armoured(wrapped(issued(key)), "RSA PRIVATE KEY")],
];

const EC_FORMS: [string, (algorithm: Algorithm) => string][] = [
  [
    "PEM of SEC 1",
    (algorithm) => KEYS[algorithm].privateKey.export({ type: "sec1", format: "pem" }) as string,
  ],
  [
    "SEC 1 in Base64",
    (algorithm) => KEYS[algorithm].privateKey.export({ type: "sec1", format: "der" }).toString("base64"),
  ],
  [
    "SEC 1 after its parameters, as openssl ecparam writes it",
    (algorithm) =>
      `${armoured(CURVE[algorithm]?.toString("base64") ?? "", "EC PARAMETERS")}${KEYS[algorithm].privateKey.export({ type: "sec1", format: "pem" })}`,
  ],
  [
    "SEC 1 without its public half",
    (algorithm) => {
      const { d } = numbersOf(KEYS[algorithm].privateKey);
      return der(0x30, der(2, [1]), der(4, d), der(0xa0, CURVE[algorithm] ?? [])).toString("base64");
    },
  ],
  ["PKCS#8 without its public half", (algorithm) => ecPkcs8(algorithm, {})],
  [
    "PKCS#8 that names the curve twice",
    (algorithm) => ecPkcs8(algorithm, { inner: [der(0xa0, CURVE[algorithm] ?? [])] }),
  ],
  [
    "PKCS#8 with the public half compressed",
    (algorithm) =>
      ecPkcs8(algorithm, { inner: [der(0xa1, bits(numbersOf(KEYS[algorithm].privateKey).compressed))] }),
  ],
  [
    "PKCS#8 of version 2, with the public half outside",
    (algorithm) => {
      const { point } = numbersOf(KEYS[algorithm].privateKey);
      return ecPkcs8(algorithm, { version: 1, outer: [der(0xa0), der(0x81, [0], point)] });
    },
  ],
  [
    "PKCS#8 whose number has more leading zeros than it needs",
    (algorithm) =>
      ecPkcs8(algorithm, { d: Buffer.concat([Buffer.of(0, 0), numbersOf(KEYS[algorithm].privateKey).d]) }),
  ],
];

describe("the text of a private key", () => {
  it.each(ALGORITHMS.flatMap((algorithm) => FORMS.map(([form, write]) => [algorithm, form, write] as const)))(
    "signs %s when it is %s",
    async (algorithm, _, write) => {
      await expectSignatureOf(algorithm, { privateKey: write(KEYS[algorithm].privateKey) });
    },
  );

  it.each(
    ALGORITHMS.filter(isEc).flatMap((algorithm) =>
      EC_FORMS.map(([form, write]) => [algorithm, form, write] as const),
    ),
  )("signs %s when it is %s", async (algorithm, _, write) => {
    await expectSignatureOf(algorithm, { privateKey: write(algorithm) });
  });

  it.each(ALGORITHMS.filter(isEc))(
    "signs %s when its number was written without a leading zero",
    async (algorithm) => {
      const size = SIZE[algorithm] ?? 0;
      const namedCurve = KEYS[algorithm].privateKey.asymmetricKeyDetails?.namedCurve ?? "";
      let pair = generateKeyPairSync("ec", { namedCurve });
      const numberOf = (key: KeyObject): Buffer => numbersOf(key).d;
      const significant = (d: Buffer): Buffer => d.subarray(d.findIndex((byte) => byte !== 0));
      while (significant(numberOf(pair.privateKey)).length === size)
        pair = generateKeyPairSync("ec", { namedCurve });
      const privateKey = ecPkcs8(algorithm, { d: significant(numberOf(pair.privateKey)) });
      await expectSignatureOf(algorithm, { privateKey }, pair.publicKey);
    },
  );

  it("of P-256 has the size that Talkdesk's have", () => {
    expect(issued(KEYS.ES256.privateKey)).toHaveLength(184);
  });

  it.each(["sha256", "sha384", "sha512"])(
    "says the hash itself as an RSASSA-PSS key for %s",
    async (hashAlgorithm) => {
      const { privateKey, publicKey } = generateKeyPairSync("rsa-pss", {
        modulusLength: 2048,
        hashAlgorithm,
        mgf1HashAlgorithm: hashAlgorithm,
      });
      const algorithm = `PS${hashAlgorithm.slice(3)}` as Algorithm;
      await expectSignatureOf(algorithm, { privateKey: issued(privateKey), algorithm: undefined }, publicKey);
    },
  );

  it("signs with any hash as an RSASSA-PSS key without restrictions", async () => {
    const { privateKey, publicKey } = generateKeyPairSync("rsa-pss", { modulusLength: 2048 });
    for (const algorithm of ["PS256", "PS384", "PS512"] as const) {
      const body = await provedBy({ privateKey: pem(privateKey), algorithm });
      const [header = "", claims = "", signature = ""] = (body.get("client_assertion") ?? "").split(".");
      // jsonwebtoken cannot verify this: it refuses keys of this kind without restrictions.
      const key = {
        key: publicKey,
        padding: constants.RSA_PKCS1_PSS_PADDING,
        saltLength: Number(algorithm.slice(2)) / 8,
      };
      const signed = Buffer.from(`${header}.${claims}`);
      expect(verify(`sha${algorithm.slice(2)}`, signed, key, Buffer.from(signature, "base64url"))).toBe(true);
    }
  });
});

const CONVERT = /openssl pkey -in key\.pem writes it/;
const passphrase = "QzPassphrase";
const encrypt = { cipher: "aes-256-cbc", passphrase } as const;
const ec = KEYS.ES256.privateKey;
const unfit = (type: "ed25519" | "ed448" | "x25519"): KeyObject => {
  // Three overloads, one meaning.
  const { privateKey } = generateKeyPairSync(type as "ed25519");
  return privateKey;
};
const point = numbersOf(ec).point;

const REFUSED: [string, () => unknown, RegExp][] = [
  ["undefined", () => undefined, /must be a string.*or a CryptoKey/],
  ["a number", () => 7, /must be a string/],
  ["bytes", () => pkcs8(ec), /must be a string/],
  ["a KeyObject of Node", () => ec, /must be a string/],
  ["empty", () => "", /must not be empty/],
  ["blank", () => " \r\n\\n ", /must not be empty/],
  ["words", () => "not a key at all!", /must be Base64 or PEM/],
  ["the name of a file", () => "./keys/talkdesk.pem", /not the name of its file/],
  ["quoted", () => `"${issued(ec)}"`, /without quotes/],
  ["a JWK", () => JSON.stringify(ec.export({ format: "jwk" })), /crypto\.subtle\.importKey/],
  ["short Base64", () => "AAAAA", /must be Base64/],
  ["Base64 of something else", () => "bm90IGEga2V5", /is not a whole private key/],
  ["very long", () => "A".repeat(32_769), /too long/],
  ["cut at its end", () => issued(ec).slice(0, -8), /is not a whole private key/],
  ["cut at its beginning", () => issued(ec).slice(8), /is not a whole private key/],
  ["pasted twice", () => issued(ec) + issued(ec), /must be Base64|is not a whole private key/],
  ["PEM without its end", () => pem(ec).slice(0, -30), /both lines of its armour/],
  ["PEM without its beginning", () => pem(ec).slice(30), /both lines of its armour/],
  [
    "PEM that begins and ends differently",
    () => pem(ec).replace("BEGIN PRIVATE", "BEGIN EC PRIVATE"),
    /both lines/,
  ],
  ["PEM without a body", () => armoured("", "PRIVATE KEY"), /must be Base64/],
  ["two keys", () => pem(ec) + pem(KEYS.ES384.privateKey), /not several/],
  ["a public key", () => KEYS.ES256.publicKey.export({ type: "spki", format: "pem" }), /is a public key/],
  [
    "a public key without armour",
    () => KEYS.PS256.publicKey.export({ type: "spki", format: "der" }).toString("base64"),
    /is a public key/,
  ],
  [
    "a public key in PKCS#1",
    () => KEYS.PS256.publicKey.export({ type: "pkcs1", format: "pem" }),
    /is a public key/,
  ],
  [
    "a public key in PKCS#1 without armour",
    () => KEYS.PS256.publicKey.export({ type: "pkcs1", format: "der" }).toString("base64"),
    /is a public key/,
  ],
  [
    "a public key in private armour",
    () =>
      armoured(
        KEYS.ES256.publicKey.export({ type: "spki", format: "der" }).toString("base64"),
        "PRIVATE KEY",
      ),
    /is a public key/,
  ],
  ["a certificate", () => selfSigned.cert, /is a certificate/],
  ["a certificate without armour", () => selfSigned.cert.replace(/-----[^-]+-----/g, ""), /is a certificate/],
  [
    "parameters",
    () => armoured(CURVE.ES256?.toString("base64") ?? "", "EC PARAMETERS"),
    /armour of something/,
  ],
  [
    "encrypted PKCS#8",
    () => ec.export({ type: "pkcs8", format: "pem", ...encrypt }),
    /is encrypted.*openssl pkey/,
  ],
  [
    "encrypted PKCS#8 without armour",
    () => ec.export({ type: "pkcs8", format: "der", ...encrypt }).toString("base64"),
    /is encrypted/,
  ],
  [
    "encrypted PKCS#8 in other armour",
    () => armoured(ec.export({ type: "pkcs8", format: "der", ...encrypt }).toString("base64"), "PRIVATE KEY"),
    /is encrypted/,
  ],
  ["an encrypted EC key", () => ec.export({ type: "sec1", format: "pem", ...encrypt }), /is encrypted/],
  [
    "an encrypted RSA key",
    () => KEYS.PS256.privateKey.export({ type: "pkcs1", format: "pem", ...encrypt }),
    /is encrypted/,
  ],
  ["PKCS#1", () => KEYS.PS256.privateKey.export({ type: "pkcs1", format: "pem" }), CONVERT],
  [
    "PKCS#1 without armour",
    () => KEYS.PS256.privateKey.export({ type: "pkcs1", format: "der" }).toString("base64"),
    /PKCS#1/,
  ],
  [
    "of OpenSSH",
    () => armoured(Buffer.from("openssh-key-v1\0canary").toString("base64"), "OPENSSH PRIVATE KEY"),
    CONVERT,
  ],
  [
    "of Ed25519",
    () => issued(unfit("ed25519")),
    /is of Ed25519; Talkdesk's keys use P-256, P-384, P-521 or RSA/,
  ],
  ["of X25519", () => issued(unfit("x25519")), /is of X25519/],
  [
    "of secp256k1",
    () => issued(generateKeyPairSync("ec", { namedCurve: "secp256k1" }).privateKey),
    /is of secp256k1/,
  ],
  [
    "of P-224",
    () => issued(generateKeyPairSync("ec", { namedCurve: "secp224r1" }).privateKey),
    /is of another curve/,
  ],
  [
    "of secp256k1 in SEC 1",
    () =>
      generateKeyPairSync("ec", { namedCurve: "secp256k1" }).privateKey.export({
        type: "sec1",
        format: "pem",
      }),
    /is of secp256k1/,
  ],
  [
    "of a curve that is described",
    () => issued(generateKeyPairSync("ec", { namedCurve: "P-256", paramEncoding: "explicit" }).privateKey),
    /must name its curve/,
  ],
  [
    "of DSA",
    () => issued(generateKeyPairSync("dsa", { modulusLength: 1024, divisorLength: 160 }).privateKey),
    /is of DSA/,
  ],
  [
    "RSA of 1024 bits",
    () => issued(generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey),
    /RSA key of 1024 bits; it needs 2048 or more/,
  ],
  [
    "RSA of 2047 bits",
    () => issued(generateKeyPairSync("rsa", { modulusLength: 2047 }).privateKey),
    /of 2047 bits/,
  ],
  [
    "RSASSA-PSS with SHA-1",
    () =>
      issued(
        generateKeyPairSync("rsa-pss", {
          modulusLength: 2048,
          hashAlgorithm: "sha1",
          mgf1HashAlgorithm: "sha1",
        }).privateKey,
      ),
    /for another hash/,
  ],
  [
    "SEC 1 without its curve",
    () => der(0x30, der(2, [1]), der(4, numbersOf(ec).d)).toString("base64"),
    /must name its curve/,
  ],
  [
    "of two curves",
    () => ecPkcs8("ES256", { inner: [der(0xa0, CURVE.ES384 ?? [])] }),
    /two different curves/,
  ],
  [
    "a P-384 number on P-256",
    () => ecPkcs8("ES256", { d: numbersOf(KEYS.ES384.privateKey).d }),
    /is not a whole private key/,
  ],
  ["the number 0", () => ecPkcs8("ES256", { d: Buffer.alloc(32) }), /is not a whole private key/],
  ["without a number", () => ecPkcs8("ES256", { d: Buffer.of() }), /is not a whole private key/],
  [
    "with a public half cut short",
    () => ecPkcs8("ES256", { inner: [der(0xa1, bits(point.subarray(0, -1)))] }),
    /is not a whole private key/,
  ],
  [
    "with a public half of another curve",
    () => ecPkcs8("ES256", { inner: [der(0xa1, bits(numbersOf(KEYS.ES384.privateKey).point))] }),
    /is not a whole private key/,
  ],
  [
    "with a malformed public half",
    () => ecPkcs8("ES256", { inner: [der(0xa1, der(4, point))] }),
    /is not a whole private key/,
  ],
  [
    "with something more inside",
    () => ecPkcs8("ES256", { inner: [der(4, [1])] }),
    /is not a whole private key/,
  ],
  [
    "with something more at its end",
    () => ecPkcs8("ES256", { outer: [der(4, [1])] }),
    /is not a whole private key/,
  ],
  ["of another version", () => ecPkcs8("ES256", { version: 2 }), /is not a whole private key/],
  ["of another version inside", () => ecPkcs8("ES256", { innerVersion: 2 }), /is not a whole private key/],
  [
    "with a malformed algorithm",
    () => der(0x30, der(2, [0]), der(0x30, der(5)), der(4, [1])).toString("base64"),
    /is not a whole private key/,
  ],
];

function mistake(privateKey: unknown, algorithm?: Algorithm): Error {
  try {
    privateKeyJwt({
      clientId: "client-1",
      keyId: "key-1",
      privateKey: privateKey as string,
      ...(algorithm !== undefined && { algorithm }),
    });
  } catch (error) {
    return error as Error;
  }
  throw new Error("It was accepted.");
}

/** That an error shows no eight characters in a row of a text, apart from words that are no secret. */
function expectNothingOf(
  text: string,
  error: Error,
  shown = `${error.stack} ${inspect(error, { depth: null, showHidden: true })} ${error.cause}`,
): void {
  const secret = text
    .replace(/-----[^-]*-----/g, " ")
    .replace(/\\[rn]/g, "")
    .replace(/[^A-Za-z0-9+/=]/g, "");
  const windows = new Set(
    Array.from({ length: Math.max(0, secret.length - 7) }, (_, at) => secret.slice(at, at + 8)),
  );
  for (const window of windows) if (shown.includes(window)) throw new Error("A part of the key is shown.");
}

describe("a private key that cannot be used", () => {
  it.each(REFUSED)(
    "is refused at once when it is %s, in words that hold nothing of it",
    (_, make, expected) => {
      const privateKey = make();
      const error = mistake(privateKey);
      expect(error).toBeInstanceOf(TypeError);
      expect(error.message).toMatch(/^privateKey .*\.$/);
      expect(error.message).toMatch(expected);
      if (typeof privateKey === "string") expectNothingOf(privateKey, error);
      expect(inspect(error, { showHidden: true })).not.toContain(passphrase);
    },
  );

  it.each(
    ALGORITHMS.flatMap((algorithm) =>
      ALGORITHMS.filter((other) => other !== algorithm && (isEc(other) || isEc(algorithm))).map(
        (other) => [algorithm, other] as const,
      ),
    ),
  )("is refused when it is for %s and the algorithm says %s", (algorithm, other) => {
    const error = mistake(issued(KEYS[algorithm].privateKey), other);
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toMatch(
      isEc(algorithm)
        ? /^privateKey is a key of P-\d{3}, which signs with /
        : /^privateKey is an RSA key, which signs with PS256 or PS384 or PS512/,
    );
    expect(error.message).toContain(`not with ${other}; leave algorithm out`);
  });

  it("is refused when it is for another hash than the algorithm's", () => {
    const { privateKey } = generateKeyPairSync("rsa-pss", {
      modulusLength: 2048,
      hashAlgorithm: "sha384",
      mgf1HashAlgorithm: "sha384",
    });
    expect(mistake(issued(privateKey), "PS256").message).toMatch(
      /is an RSASSA-PSS key for SHA-384, which signs with PS384, not with PS256/,
    );
  });

  it.each(["ES256", "PS256"] as const)("is refused wherever it was cut (%s)", (algorithm) => {
    const whole = pkcs8(KEYS[algorithm].privateKey);
    for (let length = 1; length < whole.length; length += 1) {
      expect(mistake(whole.subarray(0, length).toString("base64"))).toBeInstanceOf(TypeError);
    }
  });

  it.each(["ES256", "ES512"] as const)("is refused wherever its inner part was cut (%s)", (algorithm) => {
    const { d, point: whole } = numbersOf(KEYS[algorithm].privateKey);
    const inner = der(0x30, der(2, [1]), der(4, d), der(0xa1, bits(whole)));
    for (let length = 0; length < inner.length; length += 1) {
      const cut = der(
        0x30,
        der(2, [0]),
        der(0x30, EC_PUBLIC_KEY, CURVE[algorithm] ?? []),
        der(4, inner.subarray(0, length)),
      );
      expect(mistake(cut.toString("base64"))).toBeInstanceOf(TypeError);
    }
  });

  it.each([
    [
      "a length in more bytes than it needs",
      (key: Buffer) => Buffer.concat([Buffer.of(0x30, 0x82, 0, key.length - 3), key.subarray(3)]),
    ],
    [
      "a short length in the form of a long one",
      (key: Buffer) => der(0x30, Buffer.of(0x02, 0x81, 1, 0), key.subarray(6)),
    ],
    [
      "an indefinite length",
      (key: Buffer) => Buffer.concat([Buffer.of(0x30, 0x80), key.subarray(3), Buffer.of(0, 0)]),
    ],
    ["something after it", (key: Buffer) => Buffer.concat([key, Buffer.of(0x05, 0)])],
    ["a tag of two bytes", (key: Buffer) => Buffer.concat([Buffer.of(0x3f, 0x30), key.subarray(1)])],
    [
      "a length beyond all keys",
      (key: Buffer) => Buffer.concat([Buffer.of(0x30, 0x84, 1, 0, 0, 0), key.subarray(3)]),
    ],
  ])("is refused when its DER has %s", (_, change) => {
    expect(mistake(change(pkcs8(ec)).toString("base64")).message).toMatch(/is not a whole private key/);
  });

  it("ends in a TypeError that shows nothing of it", () => {
    const text = fc.oneof(
      fc.string({ unit: "binary", minLength: 12, maxLength: 300 }),
      fc.base64String({ minLength: 12, maxLength: 400 }),
      fc.base64String({ minLength: 12, maxLength: 400 }).map((body) => armoured(body, "PRIVATE KEY")),
      fc.uint8Array({ minLength: 9, maxLength: 300 }).map((bytes) => der(0x30, bytes).toString("base64")),
      fc
        .uint8Array({ minLength: 9, maxLength: 300 })
        .map((bytes) =>
          der(
            0x30,
            der(2, [0]),
            der(0x30, EC_PUBLIC_KEY, CURVE.ES256 ?? []),
            der(4, der(0x30, bytes)),
          ).toString("base64"),
        ),
    );
    fc.assert(
      fc.property(text, (privateKey) => {
        const error = mistake(privateKey);
        expect(error).toBeInstanceOf(TypeError);
        expect(error.cause).toBeUndefined();
        // The stack beneath has words that fast-check likes to try.
        expectNothingOf(privateKey, error, error.message);
      }),
      { numRuns: 2_000 },
    );
  });

  it.each(["ES256", "ES512", "PS256"] as const)(
    "with any byte changed (%s) is refused at once, or by the platform, or signs",
    async (algorithm) => {
      const whole = pkcs8(KEYS[algorithm].privateKey);
      await fc.assert(
        fc.asyncProperty(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
          const changed = Buffer.from(whole);
          changed[at] = (changed[at] ?? 0) ^ change;
          const privateKey = changed.toString("base64");
          const outcome: unknown = await provedBy({ privateKey }).catch((error: unknown) => error);
          if (outcome instanceof URLSearchParams) return;
          if (!(outcome instanceof TypeError))
            expect(outcome).toMatchObject({ code: "credentials_unavailable" });
          expectNothingOf(privateKey, outcome as Error);
        }),
        { numRuns: 150 },
      );
    },
  );
});

describe("a CryptoKey", () => {
  it.each(ALGORITHMS)("signs %s, extractable or not", async (algorithm) => {
    for (const extractable of [true, false]) {
      const privateKey = await cryptoKey(algorithm, { extractable });
      await expectSignatureOf(algorithm, { privateKey });
    }
  });

  it.each(ALGORITHMS)("says itself that it is for %s", async (algorithm) => {
    const body = await provedBy({ privateKey: await cryptoKey(algorithm) });
    const { header } = jwt.decode(body.get("client_assertion") ?? "", { complete: true }) ?? {};
    expect(header?.alg).toBe(algorithm);
  });

  const generated = async (
    algorithm: object,
    usages: readonly webcrypto.KeyUsage[],
  ): Promise<webcrypto.CryptoKeyPair> =>
    (await crypto.subtle.generateKey(
      algorithm as webcrypto.EcKeyGenParams,
      false,
      usages,
    )) as webcrypto.CryptoKeyPair;
  const rsaOf = (name: string, hash: string, modulusLength = 2048): object => ({
    name,
    hash,
    modulusLength,
    publicExponent: Uint8Array.of(1, 0, 1),
  });

  it.each<[string, () => Promise<unknown>, RegExp]>([
    [
      "public",
      async () => (await generated({ name: "ECDSA", namedCurve: "P-256" }, ["sign", "verify"])).publicKey,
      /is a public key/,
    ],
    [
      "a shared secret",
      () => crypto.subtle.generateKey({ name: "HMAC", hash: "SHA-256" }, false, ["sign"]),
      /not a shared secret/,
    ],
    [
      "for key agreement",
      async () => (await generated({ name: "ECDH", namedCurve: "P-256" }, ["deriveBits"])).privateKey,
      /usage "sign"/,
    ],
    [
      "of Ed25519",
      async () => (await generated({ name: "Ed25519" }, ["sign", "verify"])).privateKey,
      /must be a CryptoKey for ECDSA with P-256/,
    ],
    [
      "for RSASSA-PKCS1-v1_5",
      async () => (await generated(rsaOf("RSASSA-PKCS1-v1_5", "SHA-256"), ["sign", "verify"])).privateKey,
      /or for RSA-PSS/,
    ],
    [
      "for RSA-PSS with SHA-1",
      async () => (await generated(rsaOf("RSA-PSS", "SHA-1"), ["sign", "verify"])).privateKey,
      /or for RSA-PSS with SHA-256/,
    ],
    [
      "of 1024 bits",
      async () => (await generated(rsaOf("RSA-PSS", "SHA-256", 1024), ["sign", "verify"])).privateKey,
      /2048 bits or more/,
    ],
  ])("is refused when it is %s", async (_, make, expected) => {
    const error = mistake(await make());
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toMatch(expected);
  });

  it("is refused when it is for another algorithm", async () => {
    expect(mistake(await cryptoKey("PS256"), "PS384").message).toMatch(
      /is a CryptoKey for RSA-PSS with SHA-256, which signs with PS256, not with PS384/,
    );
    expect(mistake(await cryptoKey("ES256"), "ES384").message).toMatch(/is a CryptoKey for ECDSA with P-256/);
  });
});
