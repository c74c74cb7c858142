import { createHash, createPrivateKey, createPublicKey } from "node:crypto";
import type { ClientRegistry, EmulatorClient } from "../world/clients.js";
import { isSignature } from "../world/signature-algorithm.js";

/** What an assertion is judged by. */
export interface AssertionJudge {
  readonly clients: ClientRegistry;
  readonly account: string;
  /** The URL that the assertion was posted to, the one audience that is right. */
  readonly tokenUrl: string;
  /** The service's time, in epoch milliseconds. */
  readonly now: number;
  /** Notes a `jti` until it expires (epoch seconds), and tells whether it is new. */
  readonly isNewJti: (clientId: string, jti: string, expiresAt: number) => boolean;
}

const maximumLifetimeSeconds = 300;
const toleranceSeconds = 10;
const keptAssertions = 100_000;

/**
 * Gives the client that an assertion proves, or what is wrong with it, without repeating any of it. A `jti` counts as
 * used only when everything else is right.
 *
 * @see RFC 7523 §3, OpenID Connect Core §9
 */
export function clientOfAssertion(assertion: string, judge: AssertionJudge): EmulatorClient | string {
  const [, head = "", payload = "", signature = ""] = /^([\w-]+)\.([\w-]+)\.([\w-]+)$/.exec(assertion) ?? [];
  const header = readJsonPart(head);
  const claims = readJsonPart(payload);
  if (header === undefined || claims === undefined) {
    return problem("is not a signed JWT: three Base64url parts, of which the first two hold JSON objects");
  }
  if (header["crit"] !== undefined) return problem("has a crit header, which is not understood");

  const { iss, sub } = claims;
  if (typeof iss !== "string" || iss !== sub) return problem("must have the client id as iss and as sub");
  const client = judge.clients.find(iss, judge.account);
  if (client === undefined) return problem("names a client in iss that this account does not have");
  if (header["kid"] === undefined) return problem("has no kid header");
  if (header["kid"] !== client.keyId) return problem("has a kid that is not the id of the client's key");
  if (header["alg"] !== client.keyAlgorithm) {
    return problem(`must be signed with ${client.keyAlgorithm}, the algorithm of the client's key`);
  }
  if (!isSignedBy(client, `${head}.${payload}`, signature)) return problem("has a wrong signature");

  const fault = faultOfClaims(claims, judge);
  if (fault !== undefined) return problem(fault);
  if (!judge.isNewJti(iss, String(claims["jti"]), Number(claims["exp"]))) {
    return problem("has been used before: its jti is known");
  }
  return client;
}

/** Makes a memory of the assertions that were accepted, each kept until it has expired; of 100 000 at most. */
export function usedAssertions(): (clientId: string, jti: string, expiresAt: number, now: number) => boolean {
  const expiries = new Map<string, number>();
  return (clientId, jti, expiresAt, now) => {
    for (const [known, expiry] of expiries) {
      // They come in the order of their use, which is nearly that of their expiry.
      if (expiry > now / 1000) break;
      expiries.delete(known);
    }
    // A digest, since a jti may be long.
    const id = createHash("sha256").update(`${clientId} ${jti}`).digest("base64url");
    if (expiries.has(id)) return false;
    expiries.set(id, expiresAt);
    const [oldest = ""] = expiries.keys();
    if (expiries.size > keptAssertions) expiries.delete(oldest);
    return true;
  };
}

function faultOfClaims(
  { aud, iat, exp, nbf, jti }: Readonly<Record<string, unknown>>,
  { tokenUrl, now }: AssertionJudge,
): string | undefined {
  const seconds = now / 1000;
  const [audience, ...others] = Array.isArray(aud) ? aud : [aud];
  if (audience !== tokenUrl || others.length > 0) {
    return `must have the URL that it is posted to as its only aud: ${tokenUrl}`;
  }
  if (!isTime(iat)) return "must have a number of seconds as iat";
  if (!isTime(exp)) return "must have a number of seconds as exp";
  if (iat > seconds + toleranceSeconds) {
    return `has an iat that lies ${Math.round(iat - seconds)} s in the future by the service's clock`;
  }
  if (exp <= seconds) return `expired ${Math.round(seconds - exp)} s ago by the service's clock`;
  if (exp - iat > maximumLifetimeSeconds + toleranceSeconds) {
    return `must expire ${maximumLifetimeSeconds} s after its iat at the latest`;
  }
  if (nbf !== undefined && !(isTime(nbf) && nbf <= seconds + toleranceSeconds)) {
    return "has an nbf that is no time, or lies in the future by the service's clock";
  }
  if (typeof jti !== "string" || jti === "") return "must have a text that is not empty as jti";
  return undefined;
}

function isSignedBy(client: EmulatorClient, signed: string, signature: string): boolean {
  const bytes = Buffer.from(signature, "base64url");
  // Else one assertion could be written in several ways.
  if (bytes.toString("base64url") !== signature) return false;
  const privateKey = createPrivateKey({
    key: Buffer.from(client.privateKey, "base64"),
    format: "der",
    type: "pkcs8",
  });
  return isSignature(client.keyAlgorithm, Buffer.from(signed), createPublicKey(privateKey), bytes);
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

function problem(fault: string): string {
  return `The client assertion ${fault}.`;
}
