import { checkPrimeSync, createECDH, createPrivateKey, type JsonWebKey, type KeyObject } from "node:crypto";
import type { Seed } from "../base/seed.js";

/** The kind of a key: an elliptic curve, or RSA of 2048 bits. */
export type KeyKind = "P-256" | "P-384" | "P-521" | "RSA";

const CURVES = {
  "P-256": { name: "prime256v1", bytes: 32 },
  "P-384": { name: "secp384r1", bytes: 48 },
  "P-521": { name: "secp521r1", bytes: 66 },
} as const;

// Two primes of 1024 bits make a modulus of 2048.
const PRIME_DIGITS = 256;
const PUBLIC_EXPONENT = 65_537n;
// Dividing by these first spares most of the slow primality tests.
const SMALL_PRIMES = findOddPrimesBelow(4000);

// Every emulator of a test run asks for the keys of the same seed. So many digits of the seed at a label tell keys apart.
const KNOWN_BY_DIGITS = 64;
const knownKeys = new Map<string, KeyObject>();
const MAX_KNOWN_KEYS = 100;

/**
 * Makes a private key from the seed and the label. Everybody can make the same key, so it protects nothing. An RSA key
 * takes a tenth of a second or more; an EC key takes next to no time.
 */
export function makeSeededKey(seed: Seed, label: string, kind: KeyKind): KeyObject {
  const start = seed.hex(label, KNOWN_BY_DIGITS);
  const known = knownKeys.get(`${kind} ${start}`);
  if (known !== undefined) return known;
  const jwk = kind === "RSA" ? makeRsaKey(seed, label) : makeEllipticKey(seed, label, kind);
  const key = createPrivateKey({ key: jwk, format: "jwk" });
  if (knownKeys.size >= MAX_KNOWN_KEYS) knownKeys.clear();
  knownKeys.set(`${kind} ${start}`, key);
  return key;
}

function makeEllipticKey(seed: Seed, label: string, kind: Exclude<KeyKind, "RSA">): JsonWebKey {
  const { name, bytes } = CURVES[kind];
  const scalar = Buffer.from(seed.hex(label, bytes * 2), "hex");
  // 66 bytes can exceed the order of the curve, which has 521 bits. With an empty first byte they cannot.
  if (kind === "P-521") scalar[0] = 0;
  const curve = createECDH(name);
  curve.setPrivateKey(scalar);
  const point = curve.getPublicKey();
  return {
    kty: "EC",
    crv: kind,
    x: point.subarray(1, 1 + bytes).toString("base64url"),
    y: point.subarray(1 + bytes).toString("base64url"),
    d: scalar.toString("base64url"),
  };
}

function makeRsaKey(seed: Seed, label: string): JsonWebKey {
  const [p, q] = [
    findPrimeFrom(seed.hex(`${label}/p`, PRIME_DIGITS)),
    findPrimeFrom(seed.hex(`${label}/q`, PRIME_DIGITS)),
  ];
  const d = invert(PUBLIC_EXPONENT, (p - 1n) * (q - 1n));
  return {
    kty: "RSA",
    n: toBase64Url(p * q),
    e: toBase64Url(PUBLIC_EXPONENT),
    d: toBase64Url(d),
    p: toBase64Url(p),
    q: toBase64Url(q),
    dp: toBase64Url(d % (p - 1n)),
    dq: toBase64Url(d % (q - 1n)),
    qi: toBase64Url(invert(q, p)),
  };
}

/**
 * Gives the first usable prime from a number on. Its two highest bits are set first, so that the product of two such
 * primes has its full length.
 */
function findPrimeFrom(hex: string): bigint {
  const first = BigInt(`0x${hex}`) | (3n << BigInt(PRIME_DIGITS * 4 - 2)) | 1n;
  const remainders = SMALL_PRIMES.map((prime) => Number(first % BigInt(prime)));
  for (let offset = 0; ; offset += 2) {
    const isComposite = SMALL_PRIMES.some(
      (prime, index) => ((remainders[index] ?? 0) + offset) % prime === 0,
    );
    if (isComposite) continue;
    const candidate = first + BigInt(offset);
    if ((candidate - 1n) % PUBLIC_EXPONENT !== 0n && checkPrimeSync(candidate)) return candidate;
  }
}

function findOddPrimesBelow(limit: number): readonly number[] {
  const primes: number[] = [];
  for (let number = 3; number < limit; number += 2) {
    if (primes.every((prime) => number % prime !== 0)) primes.push(number);
  }
  return primes;
}

/** Gives the modular inverse of `value`, by the extended Euclidean algorithm. */
function invert(value: bigint, modulus: bigint): bigint {
  let [remainder, nextRemainder] = [modulus, value % modulus];
  let [factor, nextFactor] = [0n, 1n];
  while (nextRemainder !== 0n) {
    const quotient = remainder / nextRemainder;
    [remainder, nextRemainder] = [nextRemainder, remainder - quotient * nextRemainder];
    [factor, nextFactor] = [nextFactor, factor - quotient * nextFactor];
  }
  return factor < 0n ? factor + modulus : factor;
}

function toBase64Url(value: bigint): string {
  const hex = value.toString(16);
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex").toString("base64url");
}
