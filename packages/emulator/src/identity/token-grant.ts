import type { Answer } from "../message/answer.js";
import { GRANT_TYPES, type GrantType } from "../world/client-registration.js";
import type { EmulatorClient } from "../world/clients.js";
import { oauthError } from "./oauth-error.js";

/** Service tokens live from a day to a year. The default is not documented; here it is a day. */
export const SERVICE_TOKEN_SECONDS: { readonly min: number; readonly max: number } = {
  min: 86_400,
  max: 31_556_952,
};

/** Scope tokens of RFC 6749 §3.3 with one space between them. */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*$/;

/** Gives the parameters of a grant for the engine, or the answer that refuses the grant. */
export function checkGrant(form: URLSearchParams, client: EmulatorClient): URLSearchParams | Answer {
  const grantType = form.get("grant_type") ?? "";
  if (grantType === "") return oauthError(400, "invalid_request", "The parameter grant_type is missing.");
  if (!isGrantType(grantType)) {
    return oauthError(400, "unsupported_grant_type", "The grant type is not supported.");
  }
  if (!client.grantTypes.includes(grantType)) {
    return oauthError(400, "unauthorized_client", "The client is not allowed to use this grant type.");
  }
  if (form.has("token_type") && (form.get("token_type") !== "opaque" || grantType !== "client_credentials")) {
    return oauthError(
      400,
      "invalid_request",
      "The token_type must be opaque, and the grant type client_credentials.",
    );
  }
  const lifetime = form.get("expires_in");
  if (lifetime !== null && !(form.has("token_type") && isServiceTokenLifetime(lifetime))) {
    const { min, max } = SERVICE_TOKEN_SECONDS;
    return oauthError(
      400,
      "invalid_request",
      `The expires_in must be from ${min} to ${max} seconds, and is for opaque tokens only.`,
    );
  }
  const scope = form.get("scope") ?? undefined;
  if (scope !== undefined && !SCOPE.test(scope)) {
    return oauthError(400, "invalid_scope", "The scope must be scope tokens with one space between them.");
  }
  switch (grantType) {
    case "client_credentials":
      return checkClientCredentials(scope, lifetime, client);
    case "authorization_code":
      return checkAuthorizationCode(form);
    case "refresh_token":
      return checkRefreshToken(form, scope);
  }
}

function isGrantType(name: string): name is GrantType {
  return GRANT_TYPES.includes(name as GrantType);
}

function isServiceTokenLifetime(text: string): boolean {
  const { min, max } = SERVICE_TOKEN_SECONDS;
  return /^\d{1,9}$/.test(text) && Number(text) >= min && Number(text) <= max;
}

function checkClientCredentials(
  scope: string | undefined,
  lifetime: string | null,
  { scopes }: EmulatorClient,
): URLSearchParams | Answer {
  const requested = scope?.split(" ") ?? scopes;
  if (requested.some((item) => !scopes.includes(item))) {
    return oauthError(400, "invalid_scope", "The scope exceeds the scopes of the client.");
  }
  return new URLSearchParams({
    grant_type: "client_credentials",
    ...(requested.length > 0 && { scope: [...new Set(requested)].join(" ") }),
    ...(lifetime !== null && { expires_in: lifetime }),
  });
}

function checkAuthorizationCode(form: URLSearchParams): URLSearchParams | Answer {
  for (const name of ["code", "redirect_uri"]) {
    if (!form.get(name)) return oauthError(400, "invalid_request", `The parameter ${name} is missing.`);
  }
  return pick(form, ["grant_type", "code", "redirect_uri", "code_verifier"]);
}

function checkRefreshToken(form: URLSearchParams, scope: string | undefined): URLSearchParams | Answer {
  // The service documents this status and error, which no RFC defines.
  if (!form.get("refresh_token")) return oauthError(401, "unauthorized", "The refresh token is missing.");
  const grant = pick(form, ["grant_type", "refresh_token"]);
  if (scope !== undefined) grant.set("scope", scope);
  return grant;
}

function pick(form: URLSearchParams, names: readonly string[]): URLSearchParams {
  return new URLSearchParams([...form].filter(([name]) => names.includes(name)));
}
