import type { Region } from "../base/region.js";
import type { Seed } from "../base/seed.js";
import type { Engine, TokenOutcome } from "../engine/engine.js";
import { type Answer, jsonAnswer } from "../message/answer.js";
import { readBasicCredentials } from "../message/basic-credentials.js";
import { hasRepeatedName, maximumFormBytes } from "../message/form.js";
import { invalidClient, oauthError } from "../message/oauth-error.js";
import type { RequestRecord } from "../message/request-record.js";
import type { ClientRegistry, EmulatorClient, GrantType } from "../world/clients.js";
import { grantTypes } from "../world/clients.js";
import type { IssuedTokens } from "../world/issued-tokens.js";
import { clientOfAssertion } from "./client-assertion.js";

/** What the token endpoint of one account in one region works with. */
export interface TokenEndpointParts {
  readonly region: Region;
  readonly account: string;
  readonly seed: Seed;
  readonly engine: Engine;
  readonly clients: ClientRegistry;
  readonly tokens: IssuedTokens;
  /** The URL of this endpoint, as a client has to name it. */
  readonly tokenUrl: string;
  /** The service's clock, in epoch milliseconds. */
  readonly now: () => number;
  /** Successive values for service tokens. */
  readonly nextServiceToken: () => string;
  /** What `token_type` says of a service token. */
  readonly serviceTokenType: string;
  /** Notes the `jti` of an assertion and tells whether it is new. */
  readonly isNewJti: (clientId: string, jti: string, expiresAt: number, now: number) => boolean;
}

// What must never be in a URL, because URLs are logged.
const bodyOnlyParameters = [
  "client_assertion",
  "client_assertion_type",
  "client_id",
  "client_secret",
  "code",
  "code_verifier",
  "expires_in",
  "grant_type",
  "redirect_uri",
  "refresh_token",
  "scope",
  "token_type",
];

const scopeSyntax = /^[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*$/;

/** Answers `POST /oauth/token`. */
export async function answerTokenRequest(request: RequestRecord, parts: TokenEndpointParts): Promise<Answer> {
  if (request.method !== "POST") {
    return oauthError(405, "invalid_request", "The token endpoint takes POST.", { allow: "POST" });
  }
  const form = readForm(request);
  if (!(form instanceof URLSearchParams)) return form;

  const authenticated = await authenticate(request, form, parts);
  if (!("client" in authenticated)) return authenticated;
  const { client } = authenticated;

  const grant = checkGrant(form, client);
  if (!(grant instanceof URLSearchParams)) return grant;
  const issuedAt = Date.now();
  if (form.has("token_type")) return issueServiceToken(grant, client, issuedAt, parts);

  const outcome = await parts.engine.requestTokens(client, client.clientSecret, grant);
  if (!outcome.ok) {
    return outcome.error === "invalid_client"
      ? invalidClient(outcome.description)
      : oauthError(outcome.status, outcome.error, outcome.description);
  }
  parts.tokens.record({
    value: outcome.accessToken,
    region: parts.region,
    account: parts.account,
    clientId: client.clientId,
    scopes: outcome.scopes,
    userId: outcome.userId,
    grantId: outcome.grantId,
    issuedAt,
    expiresAt: issuedAt + outcome.expiresIn * 1000,
    isBare: false,
  });
  return jsonAnswer(200, tokenResponse(outcome, parts.seed), {
    "cache-control": "no-store",
    pragma: "no-cache",
  });
}

function tokenResponse(
  { accessToken, expiresIn, scopes, refreshToken, idToken, grantId }: Extract<TokenOutcome, { ok: true }>,
  seed: Seed,
): Record<string, unknown> {
  return {
    access_token: accessToken,
    token_type: "Bearer",
    expires_in: expiresIn,
    scope: scopes.join(" "),
    ...(refreshToken !== undefined && { refresh_token: refreshToken }),
    ...(grantId !== undefined && { sid: seed.hex(`sid/${grantId}`, 32) }),
    ...(idToken !== undefined && { id_token: idToken }),
  };
}

/** Service tokens live from a day to a year; what they live by default is not documented, so here a day. */
const serviceTokenSeconds = { least: 86_400, most: 31_556_952 };

function issueServiceToken(
  grant: URLSearchParams,
  client: EmulatorClient,
  issuedAt: number,
  { tokens, region, account, nextServiceToken, serviceTokenType }: TokenEndpointParts,
): Answer {
  const lifetime = Number(grant.get("expires_in") ?? serviceTokenSeconds.least);
  const scopes = grant.get("scope")?.split(" ").filter(Boolean) ?? [];
  const value = `tdst_${nextServiceToken()}`;
  tokens.record({
    value,
    region,
    account,
    clientId: client.clientId,
    scopes,
    userId: undefined,
    grantId: undefined,
    issuedAt,
    expiresAt: issuedAt + lifetime * 1000,
    isBare: true,
  });
  return jsonAnswer(
    200,
    { access_token: value, token_type: serviceTokenType, expires_in: lifetime, scope: scopes.join(" ") },
    { "cache-control": "no-store", pragma: "no-cache" },
  );
}

function readForm(request: RequestRecord): URLSearchParams | Answer {
  const query = new URLSearchParams(request.url.split(/\?(.*)/s)[1] ?? "");
  const misplaced = bodyOnlyParameters.find((name) => query.has(name));
  if (misplaced !== undefined) {
    return oauthError(
      400,
      "invalid_request",
      `The parameter ${misplaced} must be in the body, not in the URL.`,
    );
  }
  const mediaType = request.headers["content-type"]?.split(";", 1)[0]?.trim().toLowerCase();
  if (mediaType !== "application/x-www-form-urlencoded") {
    return oauthError(400, "invalid_request", "The body must be application/x-www-form-urlencoded.");
  }
  if (request.bodyBytes > maximumFormBytes) {
    return oauthError(400, "invalid_request", `The body must not exceed ${maximumFormBytes} bytes.`);
  }
  if (/%(?![0-9A-Fa-f]{2})/.test(request.text)) {
    return oauthError(400, "invalid_request", "The body holds a percent sign that escapes nothing.");
  }
  const { form } = request;
  if (hasRepeatedName(form)) {
    return oauthError(400, "invalid_request", "The body holds a parameter twice.");
  }
  return form;
}

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

async function authenticate(
  request: RequestRecord,
  form: URLSearchParams,
  { clients, account, tokenUrl, now, isNewJti }: TokenEndpointParts,
): Promise<Answer | { readonly client: EmulatorClient }> {
  const hasHeader = request.headers["authorization"] !== undefined;
  const hasAssertion = form.has("client_assertion") || form.has("client_assertion_type");
  if (hasHeader && (hasAssertion || form.has("client_secret"))) {
    return oauthError(400, "invalid_request", "Credentials must be sent in one way only.");
  }
  if (form.has("client_secret")) {
    return invalidClient("A client secret is taken from an HTTP Basic header only.");
  }
  if (hasAssertion) {
    if (form.get("client_assertion_type") !== assertionType) {
      return invalidClient(`The client_assertion_type must be ${assertionType}.`);
    }
    const at = now();
    const client = await clientOfAssertion(form.get("client_assertion") ?? "", {
      clients,
      account,
      tokenUrl,
      now: at,
      isNewJti: (clientId, jti, expiresAt) => isNewJti(clientId, jti, expiresAt, at),
    });
    if (typeof client === "string") return invalidClient(client);
    if (!client.authenticationMethods.includes("private_key_jwt")) {
      return invalidClient("The client is not registered for signed assertions (private_key_jwt).");
    }
    return isOtherClient(form, client.clientId, "the client assertion") ?? { client };
  }
  if (!hasHeader) return invalidClient("There is no Authorization header.");
  const credentials = readBasicCredentials(request.headers["authorization"]);
  if (credentials === undefined) {
    return invalidClient("The Authorization header must be one HTTP Basic pair in Base64 on one line.");
  }
  const { clientId, clientSecret } = credentials;
  const client = clients.find(clientId, account);
  // One text for both, as a server does that does not want to tell which clients exist.
  if (client?.clientSecret !== clientSecret) return invalidClient("The client id or secret is wrong.");
  if (!client.authenticationMethods.includes("client_secret_basic")) {
    return invalidClient("The client is not registered for HTTP Basic (client_secret_basic).");
  }
  return isOtherClient(form, clientId, "the Authorization header") ?? { client };
}

function isOtherClient(form: URLSearchParams, clientId: string, proof: string): Answer | undefined {
  if (!form.has("client_id") || form.get("client_id") === clientId) return undefined;
  return oauthError(400, "invalid_request", `The parameter client_id differs from ${proof}.`);
}

/** Gives the parameters that the engine needs for the grant, or the answer that refuses it. */
function checkGrant(form: URLSearchParams, client: EmulatorClient): URLSearchParams | Answer {
  const grantType = form.get("grant_type") ?? "";
  if (grantType === "") return oauthError(400, "invalid_request", "The parameter grant_type is missing.");
  if (!grantTypes.includes(grantType as GrantType)) {
    return oauthError(400, "unsupported_grant_type", "The grant type is not supported.");
  }
  if (!client.grantTypes.includes(grantType as GrantType)) {
    return oauthError(400, "unauthorized_client", "The client is not allowed to use this grant type.");
  }
  const lifetime = form.get("expires_in");
  if (form.has("token_type") && (form.get("token_type") !== "opaque" || grantType !== "client_credentials")) {
    return oauthError(400, "invalid_request", "The token_type must be opaque, for client credentials.");
  }
  if (lifetime !== null && !(form.has("token_type") && isServiceLifetime(lifetime))) {
    const { least, most } = serviceTokenSeconds;
    return oauthError(
      400,
      "invalid_request",
      `The parameter expires_in is for opaque tokens, from ${least} to ${most}.`,
    );
  }
  const scope = form.get("scope") ?? undefined;
  if (scope !== undefined && !scopeSyntax.test(scope)) {
    return oauthError(400, "invalid_scope", "The scope must be scope tokens with one space between them.");
  }
  switch (grantType) {
    case "client_credentials":
      return clientCredentialsGrant(scope, lifetime, client);
    case "authorization_code":
      return authorizationCodeGrant(form);
    default:
      return refreshTokenGrant(form, scope);
  }
}

function isServiceLifetime(text: string): boolean {
  const { least, most } = serviceTokenSeconds;
  return /^\d{1,9}$/.test(text) && Number(text) >= least && Number(text) <= most;
}

function clientCredentialsGrant(
  scope: string | undefined,
  lifetime: string | null,
  { scopes }: EmulatorClient,
): URLSearchParams | Answer {
  const requested = scope?.split(" ") ?? scopes;
  if (requested.some((item) => !scopes.includes(item))) {
    return oauthError(400, "invalid_scope", "The scope goes beyond what the client is allowed.");
  }
  return new URLSearchParams({
    grant_type: "client_credentials",
    ...(requested.length > 0 && { scope: [...new Set(requested)].join(" ") }),
    ...(lifetime !== null && { expires_in: lifetime }),
  });
}

function authorizationCodeGrant(form: URLSearchParams): URLSearchParams | Answer {
  for (const name of ["code", "redirect_uri"]) {
    if (!form.get(name)) return oauthError(400, "invalid_request", `The parameter ${name} is missing.`);
  }
  return pick(form, ["grant_type", "code", "redirect_uri", "code_verifier"]);
}

function refreshTokenGrant(form: URLSearchParams, scope: string | undefined): URLSearchParams | Answer {
  // The documentation of the service shows this error code and status, which no RFC has.
  if (!form.get("refresh_token")) return oauthError(401, "unauthorized", "The refresh token is missing.");
  const grant = pick(form, ["grant_type", "refresh_token"]);
  if (scope !== undefined) grant.set("scope", scope);
  return grant;
}

function pick(form: URLSearchParams, names: readonly string[]): URLSearchParams {
  return new URLSearchParams([...form].filter(([name]) => names.includes(name)));
}
