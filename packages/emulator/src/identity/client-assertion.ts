import { createHash, createPrivateKey, createPublicKey } from "node:crypto";
import type { ClientRegistry, EmulatorClient } from "../world/clients.js";
import { verifyBytes } from "../world/signature-algorithm.js";

/** The facts that an assertion is checked against. */
export interface AssertionContext {
  readonly clients: ClientRegistry;
  readonly account: string;
  /** The URL that the assertion was posted to: the only audience that is accepted. */
  readonly tokenUrl: string;
  /** The time of the service, in epoch milliseconds. */
  readonly now: number;
  /** Tells whether a `jti` is new, and remembers it until `expiresAt`, in epoch seconds. */
  readonly useJti: (clientId: string, jti: string, expiresAt: number) => boolean;
}

const MAX_LIFETIME_SECONDS = 300;
// Talkdesk documents no tolerance. This one covers clocks that NTP keeps.
const TOLERANCE_SECONDS = 10;
// A digest takes about 100 bytes, so the memory stays below some 10 MiB.
const MAX_USED_ASSERTIONS = 100_000;

/**
 * Checks a client assertion. A `jti` counts as used only when everything else is right.
 *
 * @returns The client, or a sentence that says what is wrong and repeats nothing of the assertion.
 * @see RFC 7523 §3, OpenID Connect Core §9
 */
export function checkAssertion(assertion: string, context: AssertionContext): EmulatorClient | string {
  const [, head = "", payload = "", signature = ""] = /^([\w-]+)\.([\w-]+)\.([\w-]+)$/.exec(assertion) ?? [];
  const header = readJsonPart(head);
  const claims = readJsonPart(payload);
  if (header === undefined || claims === undefined) {
    return describeProblem("must be a signed JWT: three Base64url parts, the first two of them JSON objects");
  }
  if (header["crit"] !== undefined)
    return describeProblem("must have no crit header, which is not supported");

  const { iss, sub } = claims;
  if (typeof iss !== "string" || iss !== sub) {
    return describeProblem("must have the client id as iss and as sub");
  }
  const client = context.clients.find(iss, context.account);
  if (client === undefined) return describeProblem("names a client in iss that this account does not have");
  if (header["kid"] === undefined) return describeProblem("has no kid header");
  if (header["kid"] !== client.keyId)
    return describeProblem("has a kid that is not the id of the client's key");
  if (header["alg"] !== client.keyAlgorithm) {
    return describeProblem(`must have ${client.keyAlgorithm} as alg, the algorithm of the client's key`);
  }
  if (!isSignedBy(client, `${head}.${payload}`, signature)) return describeProblem("has a wrong signature");

  const problem = findClaimProblem(claims, context);
  if (problem !== undefined) return describeProblem(problem);
  if (!context.useJti(iss, String(claims["jti"]), Number(claims["exp"]))) {
    return describeProblem("has a jti that was used before");
  }
  return client;
}

/** Makes a memory of used assertions: 100 000 at most, each until it expires. It tells whether a `jti` is new. */
export function makeJtiMemory(): (clientId: string, jti: string, expiresAt: number, now: number) => boolean {
  const expiries = new Map<string, number>();
  return (clientId, jti, expiresAt, now) => {
    for (const [known, expiry] of expiries) {
      // The oldest come first, and they are nearly always the first to expire.
      if (expiry > now / 1000) break;
      expiries.delete(known);
    }
    // A digest, because a jti may be long.
    const id = createHash("sha256").update(`${clientId} ${jti}`).digest("base64url");
    if (expiries.has(id)) return false;
    expiries.set(id, expiresAt);
    const [oldest = ""] = expiries.keys();
    if (expiries.size > MAX_USED_ASSERTIONS) expiries.delete(oldest);
    return true;
  };
}

function findClaimProblem(
  { aud, iat, exp, nbf, jti }: Readonly<Record<string, unknown>>,
  { tokenUrl, now }: AssertionContext,
): string | undefined {
  const seconds = now / 1000;
  const [audience, ...others] = Array.isArray(aud) ? aud : [aud];
  if (audience !== tokenUrl || others.length > 0) {
    return `must have the URL that it is posted to as its only aud: ${tokenUrl}`;
  }
  if (!isTime(iat)) return "must have a number of seconds as iat";
  if (!isTime(exp)) return "must have a number of seconds as exp";
  if (iat > seconds + TOLERANCE_SECONDS) {
    return `has an iat that is ${Math.round(iat - seconds)} s in the future by the clock of the service`;
  }
  if (exp <= seconds) return `expired ${Math.round(seconds - exp)} s ago by the clock of the service`;
  if (exp - iat > MAX_LIFETIME_SECONDS + TOLERANCE_SECONDS) {
    return `must expire at most ${MAX_LIFETIME_SECONDS} s after its iat`;
  }
  if (nbf !== undefined && !(isTime(nbf) && nbf <= seconds + TOLERANCE_SECONDS)) {
    return "has an nbf that is not a number, or is in the future by the clock of the service";
  }
  if (typeof jti !== "string" || jti === "") return "must have a string that is not empty as jti";
  return undefined;
}

function isSignedBy(client: EmulatorClient, signed: string, signature: string): boolean {
  const bytes = Buffer.from(signature, "base64url");
  // Node decodes several texts to the same bytes; only the canonical one is accepted.
  if (bytes.toString("base64url") !== signature) return false;
  const privateKey = createPrivateKey({
    key: Buffer.from(client.privateKey, "base64"),
    format: "der",
    type: "pkcs8",
  });
  return verifyBytes(client.keyAlgorithm, Buffer.from(signed), createPublicKey(privateKey), bytes);
}

function readJsonPart(part: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(Buffer.from(part, "base64url"));
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

function isTime(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

function describeProblem(problem: string): string {
  return `The client assertion ${problem}.`;
}
