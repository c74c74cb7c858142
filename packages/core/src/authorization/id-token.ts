import { platformClock } from "../base/clock.js";
import { type Deadline, startDeadline } from "../base/deadline.js";
import { TalkdeskError } from "../base/errors.js";
import type { TalkdeskClient } from "../client/client.js";
import { recallOffsetMs } from "../token-endpoint/clock-offset.js";
import { keysLate, readKeys, rereadKeys } from "./jwks.js";
import { isVerifiable, type PublishedKey, selectPublicKey } from "./verification-key.js";

/** The claims of a verified ID token. Talkdesk documents no others. */
export interface IdTokenClaims {
  /** The issuer, a URL. */
  readonly iss: string;
  /** The user's id, unique within the issuer. */
  readonly sub: string;
  /** The client, or the clients, that the ID token is for: this client is among them. */
  readonly aud: string | readonly string[];
  /** When the ID token expires, in epoch seconds. */
  readonly exp: number;
  /** When it was issued, in epoch seconds. */
  readonly iat: number;
  /** The nonce of the pending login. */
  readonly nonce?: string;
  readonly [name: string]: unknown;
}

/** What an ID token is checked against. */
interface Expected {
  readonly clientId: string;
  readonly nonce: string;
  readonly issuers: readonly string[];
  readonly signal: AbortSignal | undefined;
}

/** How far the server's clock and this one may differ. */
const TOLERANCE_SECONDS = 60;

/** The most of a known clock difference that counts. More would let a server with a wrong `Date` revive expired tokens. */
const MAX_OFFSET_MS = 300_000;

/**
 * Verifies the signature and the claims of an ID token, and returns its claims, frozen.
 *
 * @throws TalkdeskError (rejection)
 * - `nonce_mismatch`: the ID token belongs to another login.
 * - `id_token_invalid`: it cannot be trusted; with `retryable: true` when the keys could not be read.
 * @see OpenID Connect Core §3.1.3.7
 * @internal
 */
export async function verifyIdToken(
  client: TalkdeskClient,
  idToken: string,
  expected: Expected,
): Promise<IdTokenClaims> {
  const { signal } = expected;
  signal?.throwIfAborted();
  // Started at the first wait: mostly, jose is loaded and the keys are known.
  let limit: Deadline | undefined;
  const waitFor: WaitFor = (work) => {
    limit ??= startDeadline(client.timeoutMs, signal, client.clock);
    return limit.race(work);
  };
  try {
    const payload = await verifySignature(client, idToken, waitFor);
    signal?.throwIfAborted();
    const offsetMs = Math.max(-MAX_OFFSET_MS, Math.min(recallOffsetMs(client), MAX_OFFSET_MS));
    const now = (client.clock ?? platformClock).now() + offsetMs;
    return checkClaims(payload, expected, now / 1000);
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    if (limit?.isPast) throw keysLate(client, error);
    throw error;
  } finally {
    limit?.clear();
  }
}

/** Waits for work, at most until the deadline of the verification. */
type WaitFor = <T>(work: Promise<T>) => Promise<T>;

async function verifySignature(
  client: TalkdeskClient,
  idToken: string,
  waitFor: WaitFor,
): Promise<Uint8Array> {
  const jose = loadedJose ?? (await waitFor(loadJose()));
  const header = readProtectedHeader(jose, idToken);
  const read = readKeys(client);
  const { keys, areNew } = read instanceof Promise ? await waitFor(read) : read;
  const tried = await tryKeys(jose, idToken, header, keys);
  if (tried.payload !== undefined) return tried.payload;
  if (tried.isKeyKnown) throw forged(tried);

  const latest = areNew ? undefined : await waitFor(rereadKeys(client, keys));
  if (latest === undefined) throw header.kid === undefined ? forged(tried) : unknownKey();
  const retried = await tryKeys(jose, idToken, header, latest);
  if (retried.payload !== undefined) return retried.payload;
  throw retried.isKeyKnown || header.kid === undefined ? forged(retried) : unknownKey();
}

type Jose = Pick<typeof import("jose"), "compactVerify" | "decodeProtectedHeader">;

/** Present once it has been loaded: an `import()` takes time also when the module is loaded. */
let loadedJose: Jose | undefined;

async function loadJose(): Promise<Jose> {
  try {
    // By sub-paths: bundlers keep all that a module has which is loaded by import().
    const [{ compactVerify }, { decodeProtectedHeader }] = await Promise.all([
      import("jose/jws/compact/verify"),
      import("jose/decode/protected_header"),
    ]);
    loadedJose = { compactVerify, decodeProtectedHeader };
    return loadedJose;
  } catch (cause) {
    throw new TalkdeskError(
      "id_token_invalid",
      "The package jose, which verifies ID tokens, could not be loaded; the cause says why. Check that it is installed or bundled, and that import() works here.",
      { cause },
    );
  }
}

interface Header {
  readonly alg: string;
  readonly kid: string | undefined;
}

function readProtectedHeader(jose: Jose, idToken: string): Header {
  if (idToken.split(".").length !== 3) {
    throw invalid("is not a signed token of three parts; check endpoints.token");
  }
  let header: Readonly<Record<string, unknown>>;
  try {
    header = jose.decodeProtectedHeader(idToken);
  } catch (cause) {
    throw invalid("has a header that cannot be read; check endpoints.token", cause);
  }
  const { alg, kid, crit } = header;
  if (!isVerifiable(alg)) throw invalid(describeAlgorithm(alg));
  if (crit !== undefined) throw invalid("has a header that asks for an extension, and none is supported");
  return { alg, kid: typeof kid === "string" ? kid : undefined };
}

function describeAlgorithm(alg: unknown): string {
  const said = typeof alg === "string" ? alg.toLowerCase() : "";
  if (said === "none") {
    return "is unsigned, so anybody may have written it, and is never accepted; check endpoints.token";
  }
  if (said.startsWith("hs")) {
    return "is signed with a shared secret, which is never accepted; have it signed with ES256 or RS256";
  }
  return "is signed in a way that is never accepted; have it signed with ES256 or RS256";
}

interface Tried {
  readonly payload?: Uint8Array;
  /** Whether the key that the token names is in the set. Reading the set again would then not help. */
  readonly isKeyKnown: boolean;
  /** Why the last key that was tried did not verify the signature. */
  readonly cause?: unknown;
}

async function tryKeys(
  jose: Jose,
  idToken: string,
  { alg, kid }: Header,
  keys: readonly PublishedKey[],
): Promise<Tried> {
  let isKeyKnown = false;
  let cause: unknown;
  for (const entry of keys) {
    const isNamed = kid !== undefined && entry["kid"] === kid;
    // Without a `kid` in the token or in the key, the key may fit.
    if (!isNamed && kid !== undefined && entry["kid"] !== undefined) continue;
    const key = selectPublicKey(entry, alg);
    if (key === undefined) continue;
    try {
      const { payload } = await jose.compactVerify(idToken, key, { algorithms: [alg] });
      return { payload, isKeyKnown: isNamed };
    } catch (error) {
      // The key is broken, too short or another one. The next key may fit.
      cause = error;
      isKeyKnown ||= isNamed && isAboutToken(error);
    }
  }
  return { isKeyKnown, cause };
}

/** Whether jose could use the key, so that the token is to blame. */
const isAboutToken = (error: unknown): boolean =>
  String((error as { readonly code?: unknown } | null)?.code).startsWith("ERR_JWS_");

function checkClaims(payload: Uint8Array, expected: Expected, nowSeconds: number): IdTokenClaims {
  const claims = parseClaims(payload);
  const { iss, sub, aud, azp, exp, iat, nbf, nonce } = claims;
  if (typeof iss !== "string" || !expected.issuers.includes(iss)) {
    throw invalid("comes from an issuer that is not expected; check account and region, or pass issuers");
  }
  const audiences: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  if (!audiences.includes(expected.clientId) || !audiences.every((name) => typeof name === "string")) {
    throw invalid("was issued for another client; its aud is not this client's id");
  }
  // `azp` is required with more than one audience (OpenID Connect Core §3.1.3.7).
  if (azp === undefined ? audiences.length > 1 : azp !== expected.clientId) {
    throw invalid("was issued for another client; its azp is not this client's id");
  }
  if (typeof sub !== "string" || sub === "") throw invalid("names no user; its sub is missing");
  if (!isTime(exp)) throw invalid("does not say when it expires");
  if (nowSeconds >= exp + TOLERANCE_SECONDS) throw invalid("has expired; check this machine's clock");
  if (!isTime(iat)) throw invalid("does not say when it was issued");
  if (iat > nowSeconds + TOLERANCE_SECONDS) {
    throw invalid("was issued in the future; check this machine's clock");
  }
  if (nbf !== undefined && !(isTime(nbf) && nbf <= nowSeconds + TOLERANCE_SECONDS)) {
    throw invalid("is not valid yet; check this machine's clock");
  }
  if (nonce !== expected.nonce) {
    throw new TalkdeskError(
      "nonce_mismatch",
      nonce === undefined
        ? "The ID token has no nonce, so it cannot be matched with a login; start again."
        : "The ID token belongs to another login: its nonce differs; start again.",
    );
  }
  return freezeDeep(claims) as IdTokenClaims;
}

const isTime = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);

/** Without state between calls, since each decodes a whole text. */
const strictDecoder = new TextDecoder("utf-8", { fatal: true });

function parseClaims(payload: Uint8Array): Record<string, unknown> {
  let claims: unknown;
  try {
    claims = JSON.parse(strictDecoder.decode(payload));
  } catch {
    // Without the cause, which may quote the claims.
    throw invalid("has claims that are not JSON");
  }
  if (typeof claims !== "object" || claims === null || Array.isArray(claims)) {
    throw invalid("has claims that are not an object");
  }
  return claims as Record<string, unknown>;
}

/** Freezes JSON data deeply, without recursion: it may nest deeper than the stack allows. */
function freezeDeep<T extends object>(data: T): T {
  const rest: object[] = [data];
  for (let part = rest.pop(); part !== undefined; part = rest.pop()) {
    for (const inner of Object.values(part))
      if (typeof inner === "object" && inner !== null) rest.push(inner);
    Object.freeze(part);
  }
  return data;
}

const invalid = (what: string, cause?: unknown): TalkdeskError =>
  new TalkdeskError("id_token_invalid", `The ID token ${what}.`, { cause });

/**
 * The error for an answer without an ID token although `openid` was asked for.
 * @internal
 */
export const missingIdToken = (): TalkdeskError =>
  new TalkdeskError(
    "id_token_invalid",
    "The answer has no ID token although openid was asked for, so the code cannot be matched with this login; check that the client may have openid, and start again.",
  );

const forged = ({ cause }: Tried): TalkdeskError =>
  invalid("has a signature that none of the service's keys for it verifies; check endpoints.jwks", cause);

const unknownKey = (): TalkdeskError =>
  invalid("is signed with a key that the service does not publish; check endpoints.jwks");
