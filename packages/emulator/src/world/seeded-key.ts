import { checkPrimeSync, createECDH, createPrivateKey, type JsonWebKey, type KeyObject } from "node:crypto";
import type { Seed } from "../base/seed.js";

/** What a key is: an elliptic curve, or RSA of 2048 bits. */
export type KeyKind = "P-256" | "P-384" | "P-521" | "RSA";

const curves = {
  "P-256": { name: "prime256v1", bytes: 32 },
  "P-384": { name: "secp384r1", bytes: 48 },
  "P-521": { name: "secp521r1", bytes: 66 },
} as const;

/**
 * Makes a private key that follows from the seed and the label alone, so it is no secret and good for an emulator
 * only. An RSA key takes a tenth of a second or more, an elliptic one next to nothing.
 */
export function seededKey(seed: Seed, label: string, kind: KeyKind): KeyObject {
  const key = kind === "RSA" ? rsaKey(seed, label) : ellipticKey(seed, label, kind);
  return createPrivateKey({ key, format: "jwk" });
}

function ellipticKey(seed: Seed, label: string, kind: Exclude<KeyKind, "RSA">): JsonWebKey {
  const { name, bytes } = curves[kind];
  const scalar = Buffer.from(seed.hex(label, bytes * 2), "hex");
  // 521 bits do not fill 66 bytes; with the first byte empty the number is below the order of the curve.
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

const primeDigits = 256;
const publicExponent = 65_537n;
const smallPrimes = primesBelow(4000);
// A key of the same seed is asked for by every emulator that a test run starts.
const knownRsaKeys = new Map<string, JsonWebKey>();
const keptRsaKeys = 100;

function rsaKey(seed: Seed, label: string): JsonWebKey {
  const start = [seed.hex(`${label}/p`, primeDigits), seed.hex(`${label}/q`, primeDigits)] as const;
  const known = knownRsaKeys.get(start[0]);
  if (known !== undefined) return known;
  const [p, q] = [primeFrom(start[0]), primeFrom(start[1])];
  const d = inverse(publicExponent, (p - 1n) * (q - 1n));
  const key: JsonWebKey = {
    kty: "RSA",
    n: base64url(p * q),
    e: base64url(publicExponent),
    d: base64url(d),
    p: base64url(p),
    q: base64url(q),
    dp: base64url(d % (p - 1n)),
    dq: base64url(d % (q - 1n)),
    qi: base64url(inverse(q, p)),
  };
  if (knownRsaKeys.size >= keptRsaKeys) knownRsaKeys.clear();
  knownRsaKeys.set(start[0], key);
  return key;
}

/** Gives the first prime from a number on whose two highest bits are set, so that a product of two has full length. */
function primeFrom(hex: string): bigint {
  const first = BigInt(`0x${hex}`) | (3n << BigInt(primeDigits * 4 - 2)) | 1n;
  const remainders = smallPrimes.map((prime) => Number(first % BigInt(prime)));
  for (let offset = 0; ; offset += 2) {
    const isComposite = smallPrimes.some((prime, index) => ((remainders[index] ?? 0) + offset) % prime === 0);
    if (isComposite) continue;
    const candidate = first + BigInt(offset);
    if ((candidate - 1n) % publicExponent !== 0n && checkPrimeSync(candidate)) return candidate;
  }
}

function primesBelow(limit: number): readonly number[] {
  const primes: number[] = [];
  for (let number = 3; number < limit; number += 2) {
    if (primes.every((prime) => number % prime !== 0)) primes.push(number);
  }
  return primes;
}

/** Gives the number whose product with `value` leaves 1, by Euclid's algorithm. */
function inverse(value: bigint, modulus: bigint): bigint {
  let [remainder, nextRemainder] = [modulus, value % modulus];
  let [factor, nextFactor] = [0n, 1n];
  while (nextRemainder !== 0n) {
    const quotient = remainder / nextRemainder;
    [remainder, nextRemainder] = [nextRemainder, remainder - quotient * nextRemainder];
    [factor, nextFactor] = [nextFactor, factor - quotient * nextFactor];
  }
  return factor < 0n ? factor + modulus : factor;
}

function base64url(value: bigint): string {
  const hex = value.toString(16);
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex").toString("base64url");
}
