import { sign } from "node:crypto";
import { CLOUD_REGIONS, type Region } from "../base/region.js";
import type { Seed } from "../base/seed.js";
import { type Answer, jsonAnswer } from "../message/answer.js";
import { API_ERROR_CODES, apiError, methodNotAllowed } from "../message/api-error.js";
import type { RequestRecord } from "../message/request-record.js";
import { makeAccountId } from "../world/account-id.js";
import type { IssuedToken, IssuedTokens } from "../world/issued-tokens.js";
import type { SigningKey } from "../world/signing-keys.js";
import { MAX_FORM_BYTES } from "./form.js";

/** The dependencies of the introspection endpoint of one account in one region. */
export interface IntrospectEndpointParts {
  readonly region: Region;
  readonly account: string;
  readonly seed: Seed;
  readonly tokens: IssuedTokens;
  readonly issuer: string;
  readonly gateway: string;
  readonly signingKey: SigningKey;
}

/**
 * Answers `POST /oauth/introspect`. The answer has the shape of the service, not that of RFC 7662: the claims are nested,
 * and `sig` signs the Base64url of their JSON.
 */
export function answerIntrospectRequest(request: RequestRecord, parts: IntrospectEndpointParts): Answer {
  if (request.method !== "POST") return methodNotAllowed("POST");
  if (request.bodyBytes > MAX_FORM_BYTES) {
    return apiError(413, API_ERROR_CODES.invalidRequest, `The body must not exceed ${MAX_FORM_BYTES} bytes.`);
  }
  const value = request.form.get("token");
  if (!value) return apiError(400, API_ERROR_CODES.missingToken, "The parameter token is missing.");
  const token = parts.tokens.find(value);
  const isActive =
    token !== undefined &&
    token.account === parts.account &&
    token.region === parts.region &&
    token.expiresAt > Date.now() &&
    !parts.tokens.isRevoked(token);
  const inner = isActive ? describeToken(token, parts) : { active: false };
  const { signingKey } = parts;
  const signed = Buffer.from(Buffer.from(JSON.stringify(inner)).toString("base64url"));
  return jsonAnswer(200, {
    kid: signingKey.kid,
    sig: sign("sha256", signed, signingKey.privateKey)
      .toString("base64")
      .replaceAll("+", "-")
      .replaceAll("/", "_"),
    token_introspection: inner,
  });
}

function describeToken(
  token: IssuedToken,
  { issuer, gateway, seed, account, region }: IntrospectEndpointParts,
): object {
  const toSeconds = (ms: number): number => Math.floor(ms / 1000);
  return {
    active: true,
    iss: issuer,
    aud: gateway,
    exp: toSeconds(token.expiresAt),
    nbf: toSeconds(token.issuedAt),
    iat: toSeconds(token.issuedAt),
    cid: token.clientId,
    aid: makeAccountId(seed, account),
    scp: token.scopes.join(" "),
    reg: CLOUD_REGIONS[region],
    psn: "CUSTOMER",
  };
}
