import { decodeForm } from "../base/encodings.js";
import {
  escapeText,
  TalkdeskError,
  type TalkdeskErrorCode,
  type TalkdeskErrorOptions,
} from "../base/errors.js";
import { parseUrl } from "../base/parse-url.js";
import { isVisibleAscii } from "../base/secret-text.js";
import { type AccessToken, accessToken } from "../token/access-token.js";
import type { Grant } from "../token/grant.js";
import { retryAfterMs } from "./retry-after.js";

/** The most bytes of an answer that are read, after decompression: far more than a token needs. */
export const MAX_RESPONSE_BYTES = 262_144;

/** The lifetime in all of Talkdesk's examples, in seconds. Assumed when an answer has no `expires_in`. */
const ASSUMED_LIFETIME_SECONDS = 599;

/** A year and a day: longer than any documented lifetime, and short enough for every date. */
const MAX_LIFETIME_SECONDS = 366 * 86_400;

/** Deeper than any real answer, and far from overflowing the stack in recursive functions. */
const MAX_DEPTH = 64;

/** The code for each `error` of RFC 6749 §5.2. */
const CODE_OF_ERROR: ReadonlyMap<string, TalkdeskErrorCode> = new Map([
  ["invalid_client", "client_refused"],
  ["unauthorized_client", "client_refused"],
  ["invalid_request", "request_refused"],
  ["invalid_scope", "request_refused"],
  ["invalid_grant", "request_refused"],
  ["unsupported_grant_type", "request_refused"],
]);

/**
 * Reads one answer of the token endpoint. It is a pure function: it uses neither clock nor network.
 *
 * A token needs status 200 and a JSON object with an `access_token` of visible ASCII and without an `error`. Without
 * `token_type` the token is a Bearer token; the member is ignored when the grant asked for an opaque token. `expires_in`
 * is a number, rounded down to whole seconds, or a string of digits; anything else counts as absent, and 599 seconds are
 * assumed. `null` and `""` count as absent for optional members.
 *
 * @param response The answer as received. Its body is whole and decompressed, at most 262 144 bytes.
 * @throws TalkdeskError
 * - `token_unavailable`: 429 or 5xx, whatever the body says; with `retryAt` where the answer asks to wait.
 * - `client_refused`: `invalid_client`, `unauthorized_client`, or a 401 without a known `error`.
 * - `request_refused`: another `error` of RFC 6749 in a 2xx or 4xx, or any other `error` in a 200 or 400.
 * - `token_unexpected_response`: a redirect, another status, 511, or a 200 that is not JSON.
 * - `token_malformed`: JSON that breaks the schema.
 * - `response_too_large`: more than 262 144 bytes.
 * - `unsupported_token_type`: a `token_type` other than Bearer.
 * @example
 * const { status, headers } = response;
 * const body = new Uint8Array(await response.arrayBuffer());
 * const grant = { grant_type: "client_credentials" } as const;
 * const token = parseTokenResponse({ status, headers, body }, { requestedAt: Date.now(), grant });
 * @see RFC 6749 §5.1 and §5.2; Talkdesk, "Refresh Token - Basic"
 */
export function parseTokenResponse(response: TokenResponse, context: TokenResponseContext): AccessToken {
  return readTokenResponse(response, context, (text) => text);
}

/** One answer as received. */
export interface TokenResponse {
  /** The HTTP status. */
  readonly status: number;
  /** The headers. `Date` and `Retry-After` are read. */
  readonly headers: Headers;
  /** The whole body, decompressed. */
  readonly body: Uint8Array;
}

/** The request that an answer belongs to. */
export interface TokenResponseContext {
  /** Just before the request was sent, in epoch milliseconds. */
  readonly requestedAt: number;
  /** What was asked for. */
  readonly grant: Grant;
}

/**
 * Does what {@link parseTokenResponse} does, with secrets masked: `mask` is applied to every text of the answer that is
 * kept outside the token's own members, before the text is cut. `credentials` says what to check when the client is
 * refused.
 * @internal
 */
export function readTokenResponse(
  { status, headers, body }: TokenResponse,
  context: TokenResponseContext,
  mask: (text: string) => string,
  credentials: string = "client id and secret",
): AccessToken {
  if (body.byteLength > MAX_RESPONSE_BYTES) throw responseTooLarge(status);
  const json = parseJson(body);
  const { error } = Object(json.value) as { error?: unknown };
  if (status !== 200 || (typeof error === "string" && error !== ""))
    throw refusal(status, headers, json.value, context.requestedAt, mask, credentials);
  const contentType = headers.get("content-type");
  if (json.fault !== undefined && !/[/+]json\s*(?:;|$)/i.test(contentType ?? "")) {
    throw new TalkdeskError(
      "token_unexpected_response",
      `The token endpoint answered 200 with ${escapeText(mask(contentType ?? "no content type"))} instead of JSON; check that the address is a token endpoint and that no proxy or login page stands before it.`,
      { status },
    );
  }
  if (json.fault !== undefined) throw malformed(json.fault);
  return readToken(json.value, context, mask);
}

/**
 * The error for a body that is too large.
 * @internal
 */
export function responseTooLarge(status: number): TalkdeskError {
  return new TalkdeskError(
    "response_too_large",
    `The token endpoint answered more than ${MAX_RESPONSE_BYTES} bytes; the rest was not read.`,
    { status },
  );
}

function malformed(what: string): TalkdeskError {
  return new TalkdeskError("token_malformed", `The token endpoint answered 200, but ${what}.`, {
    status: 200,
  });
}

function parseJson(body: Uint8Array): { readonly value?: unknown; readonly fault?: string } {
  let text: string;
  try {
    // Drops a byte-order mark, and throws for other encodings such as UTF-16.
    text = new TextDecoder("utf-8", { fatal: true }).decode(body);
  } catch {
    return { fault: "its body is not UTF-8" };
  }
  try {
    const value: unknown = JSON.parse(text);
    return isTooDeep(text) ? { fault: "its body is nested too deeply" } : { value };
  } catch {
    return { fault: text.trim() === "" ? "its body is empty" : "its body is not JSON" };
  }
}

/** True for JSON text that nests more than {@link MAX_DEPTH} levels. Checked without recursion. */
function isTooDeep(json: string): boolean {
  let depth = 0;
  let isInString = false;
  for (let at = 0; at < json.length; at += 1) {
    const symbol = json[at];
    if (symbol === '"') isInString = !isInString;
    else if (isInString) at += symbol === "\\" ? 1 : 0;
    else if (symbol === "[" || symbol === "{") depth += 1;
    else if (symbol === "]" || symbol === "}") depth -= 1;
    if (depth > MAX_DEPTH) return true;
  }
  return false;
}

function readToken(
  json: unknown,
  { requestedAt, grant }: TokenResponseContext,
  mask: (text: string) => string,
): AccessToken {
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw malformed("its body is not a JSON object");
  }
  const { access_token, token_type, expires_in, scope, refresh_token, sid, id_token, ...extra } =
    json as Record<string, unknown>;
  if (typeof access_token !== "string" || access_token === "") {
    throw malformed("access_token is missing or is not a string");
  }
  if (!isVisibleAscii(access_token))
    throw malformed("access_token has characters that a header cannot carry");

  const lifetime = readLifetimeSeconds(expires_in);
  const refreshToken = readOptionalString(refresh_token, "refresh_token");
  const sessionId = readOptionalString(sid, "sid");
  const idToken = readOptionalString(id_token, "id_token");
  const scopes = readScope(scope);
  return accessToken({
    value: access_token,
    type: readType(token_type, access_token, grant),
    issuedAt: requestedAt,
    expiresAt: requestedAt + (lifetime ?? ASSUMED_LIFETIME_SECONDS) * 1000,
    expiryAssumed: lifetime === undefined,
    scope: scopes,
    refreshToken,
    sessionId,
    idToken,
    extra: JSON.parse(JSON.stringify(extra), (_key, value) =>
      typeof value === "string" ? mask(value) : value,
    ),
  });
}

/** A service token is sent without a scheme, whatever its `token_type` says. Talkdesk's begin with `tdst_`. */
function readType(tokenType: unknown, value: string, grant: Grant): "Bearer" | "opaque" {
  const isAskedFor = grant.grant_type === "client_credentials" && grant.token_type === "opaque";
  if (isAskedFor || value.startsWith("tdst_")) return "opaque";
  // Talkdesk documents Bearer as the default.
  if (tokenType === undefined || tokenType === null || tokenType === "") return "Bearer";
  if (typeof tokenType === "string" && tokenType.toLowerCase() === "bearer") return "Bearer";
  throw new TalkdeskError(
    "unsupported_token_type",
    "The token endpoint answered with a type of token other than Bearer, which cannot be sent.",
    { status: 200 },
  );
}

/** Reads whole seconds, within what a date can represent. Undefined for anything but a number or a string of digits. */
function readLifetimeSeconds(expiresIn: unknown): number | undefined {
  const isDigits = typeof expiresIn === "string" && /^\d+$/.test(expiresIn);
  if (typeof expiresIn !== "number" && !isDigits) return undefined;
  const seconds = Math.floor(Number(expiresIn));
  return Math.max(-MAX_LIFETIME_SECONDS, Math.min(seconds, MAX_LIFETIME_SECONDS));
}

function readOptionalString(value: unknown, name: string): string | undefined {
  if (value === undefined || value === null || value === "") return undefined;
  if (typeof value !== "string") throw malformed(`${name} is not a string`);
  return value;
}

function readScope(scope: unknown): string[] | undefined {
  if (scope === undefined || scope === null) return undefined;
  if (typeof scope !== "string") throw malformed("scope is not a string");
  // Talkdesk describes it as URL-encoded and shows it with spaces, so text that can only be encoded is decoded once.
  const encoded = !/\s/.test(scope) && /\+|%20|%3A/i.test(scope);
  const text = encoded ? decodeForm(scope) : scope;
  return text.split(/\s+/).filter((name) => name !== "");
}

/**
 * True for a status that means "try later". 511 does not: it comes from a network that asks for a login of its own.
 * @internal
 */
export const isUnavailable = (status: number): boolean => status === 429 || (status >= 500 && status !== 511);

/** The error for an answer without a token: its status is not 200, or it contains an `error`. */
function refusal(
  status: number,
  headers: Headers,
  json: unknown,
  requestedAt: number,
  mask: (text: string) => string,
  credentials: string,
): TalkdeskError {
  const said = readErrorBody(json, mask);
  const named = said.error === undefined ? "" : ` (${said.error})`;
  const options: TalkdeskErrorOptions = { status, ...said };
  if (isUnavailable(status)) {
    // The body does not count: a proxy may repeat an old one.
    const wait = retryAfterMs(headers, json, requestedAt);
    const later = wait === undefined ? "" : `, and asks to wait ${Math.ceil(wait / 1000)} s`;
    return new TalkdeskError("token_unavailable", `The token endpoint answered ${status}${named}${later}.`, {
      ...options,
      retryAt: wait === undefined ? undefined : requestedAt + wait,
    });
  }
  const isOfProtocol = (status >= 200 && status < 300) || (status >= 400 && status < 500);
  const code = isOfProtocol ? CODE_OF_ERROR.get(said.error ?? "") : undefined;
  if (code === "client_refused" || (status === 401 && code === undefined)) {
    return new TalkdeskError(
      "client_refused",
      `The token endpoint refused the client with ${status}${named}; check ${credentials}, account and region.`,
      options,
    );
  }
  if (code === "request_refused" || ((status === 400 || status === 200) && said.error !== undefined)) {
    return new TalkdeskError(
      "request_refused",
      `The token endpoint refused the request with ${status}${named}${said.errorDescription === undefined ? "" : `: ${said.errorDescription.replace(/\.$/, "")}`}.`,
      options,
    );
  }
  if (status >= 300 && status < 400) {
    // Masked before parsing as well, since parsing changes the case of a host.
    const target = mask(headers.get("location") ?? "");
    const origin = parseUrl(target)?.origin ?? "null";
    const where = origin === "null" ? "" : ` to ${escapeText(mask(origin))}`;
    return new TalkdeskError(
      "token_unexpected_response",
      `The token endpoint answered ${status}, a redirect${where}, which is not followed: credentials stay with the address that was given.`,
      { status },
    );
  }
  return new TalkdeskError(
    "token_unexpected_response",
    `The token endpoint answered ${status}, which is not part of the protocol; check its address, and any proxy before it.`,
    options,
  );
}

/** Reads an error body: that of RFC 6749, or Talkdesk's API envelope with `code` and `message`. */
export function readErrorBody(
  json: unknown,
  mask: (text: string) => string,
): { readonly error: string | undefined; readonly errorDescription: string | undefined } {
  const { error, error_description, code, message } = Object(json) as Record<string, unknown>;
  const name = error ?? code;
  const text = error_description ?? (error === undefined ? message : undefined);
  return {
    error: isText(name) ? escapeText(CODE_OF_ERROR.has(name) ? name : mask(name)) : undefined,
    errorDescription: isText(text) ? escapeText(mask(text)) : undefined,
  };
}

const isText = (value: unknown): value is string => typeof value === "string" && value !== "";
