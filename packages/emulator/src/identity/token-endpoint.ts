import { type Laxity, type Leniency, makeLeniency } from "../base/laxity.js";
import type { Region } from "../base/region.js";
import type { Seed } from "../base/seed.js";
import type { Engine, TokenOutcome } from "../engine/engine.js";
import { type Answer, jsonAnswer } from "../message/answer.js";
import type { RequestRecord } from "../message/request-record.js";
import type { EmulatorClient } from "../world/clients.js";
import type { IssuedTokens } from "../world/issued-tokens.js";
import { authenticateClient, type ClientAuthenticationParts } from "./client-authentication.js";
import { invalidClient, NO_STORE, oauthError } from "./oauth-error.js";
import { checkGrant, SERVICE_TOKEN_SECONDS } from "./token-grant.js";
import { readTokenParameters } from "./token-parameters.js";

/** The dependencies of the token endpoint of one account in one region. */
export interface TokenEndpointParts extends ClientAuthenticationParts {
  readonly region: Region;
  readonly seed: Seed;
  readonly engine: Engine;
  readonly tokens: IssuedTokens;
  /** Makes the value of another service token, without its prefix. */
  readonly makeServiceToken: () => string;
  /** The `token_type` in the answer with a service token. */
  readonly serviceTokenType: string;
  /** What is accepted although the service does not document it. */
  readonly lenient: readonly Laxity[];
}

/** Answers `POST /oauth/token`. */
export async function answerTokenRequest(request: RequestRecord, parts: TokenEndpointParts): Promise<Answer> {
  const leniency = makeLeniency(parts.lenient);
  return { ...(await issueTokens(request, leniency, parts)), laxities: leniency.used };
}

async function issueTokens(
  request: RequestRecord,
  leniency: Leniency,
  parts: TokenEndpointParts,
): Promise<Answer> {
  if (request.method !== "POST") {
    return oauthError(405, "invalid_request", "The token endpoint takes POST.", { allow: "POST" });
  }
  const form = readTokenParameters(request, leniency);
  if (!(form instanceof URLSearchParams)) return form;

  const authenticated = authenticateClient(request, form, leniency, parts);
  if (!("client" in authenticated)) return authenticated;
  const { client, method } = authenticated;
  if (method === "none" && form.get("grant_type") === "client_credentials") {
    return oauthError(400, "unauthorized_client", "The client must prove itself to use client credentials.");
  }

  const grant = checkGrant(form, client);
  if (!(grant instanceof URLSearchParams)) return grant;
  const issuedAt = Date.now();
  if (form.has("token_type")) return issueServiceToken(grant, client, issuedAt, parts);

  const outcome = await parts.engine.requestTokens(client, grant);
  if (!outcome.ok) {
    return outcome.error === "invalid_client"
      ? invalidClient(outcome.description)
      : oauthError(outcome.status, outcome.error, outcome.description);
  }
  parts.tokens.add({
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
  return jsonAnswer(200, makeTokenResponse(outcome, parts.seed), NO_STORE);
}

function makeTokenResponse(
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

function issueServiceToken(
  grant: URLSearchParams,
  client: EmulatorClient,
  issuedAt: number,
  { tokens, region, account, makeServiceToken, serviceTokenType }: TokenEndpointParts,
): Answer {
  const lifetime = Number(grant.get("expires_in") ?? SERVICE_TOKEN_SECONDS.min);
  const scopes = grant.get("scope")?.split(" ").filter(Boolean) ?? [];
  const value = `tdst_${makeServiceToken()}`;
  tokens.add({
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
    NO_STORE,
  );
}
