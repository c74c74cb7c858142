import { decodeBase64, decodeForm, encodeForm } from "../base/encodings.js";
import { escapeText, type TalkdeskError } from "../base/errors.js";
import type { TalkdeskClient } from "../client/client.js";
import type { Grant } from "../token/grant.js";
import { measureOffsetMs } from "./clock-offset.js";
import { readBasicSecret, splitCredentials } from "./sent-secrets.js";
import type { TokenResponse } from "./token-response.js";

/**
 * One request and its answer.
 * @internal
 */
export interface Exchanged {
  readonly headers: Headers;
  readonly body: URLSearchParams;
  readonly response: TokenResponse;
  /** Just before the request, in epoch milliseconds. */
  readonly sentAt: number;
  /** Just after the answer, in epoch milliseconds. */
  readonly now: number;
  /** Milliseconds that were added to this machine's time for the proof. */
  readonly offsetMs: number;
}

/**
 * Lists possible causes of a refusal that can be checked locally, as whole sentences. Each names a fact, and what it may
 * mean. Other errors get no hints.
 * @internal
 */
export function explainRefusal(
  error: TalkdeskError,
  client: TalkdeskClient,
  grant: Grant,
  { headers, body, response, sentAt, now, offsetMs }: Exchanged,
): readonly string[] {
  const { token } = client.endpoints;
  const hints = [...explainAddress(new URL(token))];
  if (error.code === "token_unexpected_response") return [...hints, ...explainForbidden(error)];
  if (error.code !== "client_refused" && error.code !== "request_refused") return [];
  if (error.code === "client_refused") {
    hints.push(
      `The request went to ${new URL(token).host}: a client exists in one account and one region only.`,
      ...explainClientId(client.authentication.clientId ?? ""),
      ...explainSecret(headers),
      ...explainAssertion(body, token),
    );
  } else if (NOT_DECODED.test(error.errorDescription ?? "")) {
    hints.push(...explainEncoding(headers));
  }
  const scope = "scope" in grant ? grant.scope : undefined;
  if (scope !== undefined && (response.status === 401 || error.error === "invalid_scope")) {
    hints.push(
      "A scope that was added to the client minutes ago may not be effective yet: it takes a few minutes.",
    );
  }
  const aheadMs = measureOffsetMs(response.headers, sentAt, now);
  if (aheadMs !== undefined) {
    const seconds = Math.round(Math.abs(aheadMs) / 1000);
    const corrected = offsetMs === 0 ? "" : "; the assertion went by the server's";
    hints.push(
      `This machine's clock is ${seconds} s ${aheadMs > 0 ? "behind" : "ahead of"} the server's${corrected}.`,
    );
  }
  return hints;
}

/** Addresses that people take for a token endpoint, since they know them from elsewhere. */
function explainAddress({ hostname, pathname }: URL): readonly string[] {
  if (/^api\.talkdeskapp/.test(hostname)) {
    return [
      `${hostname} is a gateway, which issues no tokens: the token endpoint is on the identity host, such as acme.talkdeskid.com.`,
    ];
  }
  if (/(?:^|\.)(?:gettalkdesk|mytalkdesk[a-z]*)\./.test(hostname)) {
    return [
      `${hostname} is the address where people work: the identity host is on another domain, such as acme.talkdeskid.com.`,
    ];
  }
  if (/\/(?:login|sign_in|authorize)\b/.test(pathname)) {
    return [`${hostname}${pathname} is a page for people: the path of the token endpoint is /oauth/token.`];
  }
  return [];
}

/** A refusal with a word about its reason needs no guess. */
function explainForbidden({ status, error, errorDescription }: TalkdeskError): readonly string[] {
  if (status !== 403 || error !== undefined || errorDescription !== undefined) return [];
  return [
    "An account can limit calls to certain IP addresses: check that the address of this machine is one of them.",
  ];
}

function explainClientId(clientId: string): readonly string[] {
  return explainEnds("The client id", clientId);
}

/** Names what often slips in when a value is pasted, or read from a file of variables. */
function explainEnds(name: string, value: string): readonly string[] {
  const hints: string[] = [];
  if (value.trim() !== value) hints.push(`${name} begins or ends with a space.`);
  const [first = ""] = value;
  const isQuoted = value.length > 1 && "\"'`".includes(first) && value.endsWith(first);
  if (isQuoted) hints.push(`${name} is in quotes, which are sent as a part of it.`);
  return hints;
}

/** Words with which servers refuse credentials in another encoding than expected, often as `invalid_request`. */
const NOT_DECODED = /encod|decod|malformed authorization|authorization header/i;

function explainSecret(headers: Headers): readonly string[] {
  const secret = readSentSecret(headers);
  if (secret === undefined) return [];
  const hints: string[] = [];
  if (secret !== encodeForm(secret) && !isFormEncoded(secret)) {
    hints.push(
      'The client secret has characters that encodings change: if it is right, try clientSecretBasic with encoding: "form".',
    );
  }
  return [...hints, ...explainEnds("The client secret", secret)];
}

function explainEncoding(headers: Headers): readonly string[] {
  const secret = readSentSecret(headers);
  if (secret === undefined) return [];
  const other = isFormEncoded(secret) ? "plain" : "form";
  return [
    `The server could not decode the client's id and secret: if they are right, try clientSecretBasic with encoding: "${other}".`,
  ];
}

const readSentSecret = (headers: Headers): string | undefined =>
  readBasicSecret(splitCredentials(headers.get("authorization") ?? "")?.credentials ?? "");

/** True for a secret that looks form-encoded already. A plain secret with a percent sign seldom does. */
const isFormEncoded = (secret: string): boolean =>
  secret.includes("%") && encodeForm(decodeForm(secret)).toLowerCase() === secret.toLowerCase();

/** A server answers the same for a wrong client, key and algorithm, so the hint names all three. */
function explainAssertion(body: URLSearchParams, tokenEndpoint: string): readonly string[] {
  const [header, claims] = (body.get("client_assertion") ?? "").split(".").map(parseMembers);
  if (header === undefined || claims === undefined) return [];
  const { kid, alg } = header;
  const { iss, aud } = claims;
  const hints = [
    `The assertion names the client ${quote(iss)} and the key ${quote(kid)}, and is signed with ${quote(alg)}: check that these belong together; a rotation changes the key's id.`,
  ];
  if (aud !== tokenEndpoint) {
    hints.push(
      `The assertion is meant for ${quote(aud)}, which is not the address that it was sent to; leave audience out unless Talkdesk has given you one.`,
    );
  }
  return hints;
}

const quote = (value: unknown): string => (typeof value === "string" ? escapeText(value) : "(none)");

/** Parses one part of a JWT. Undefined for text that is not JSON in Base64url. */
function parseMembers(part: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return Object(JSON.parse(new TextDecoder().decode(decodeBase64(part)))) as Readonly<
      Record<string, unknown>
    >;
  } catch {
    return undefined;
  }
}
