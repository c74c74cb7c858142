import { sign } from "node:crypto";
import type { Region } from "../base/region.js";
import type { Seed } from "../base/seed.js";
import { type Answer, jsonAnswer } from "../message/answer.js";
import { apiError, apiErrorCodes } from "../message/api-error.js";
import { maximumFormBytes } from "../message/form.js";
import type { RequestRecord } from "../message/request-record.js";
import type { IssuedToken, IssuedTokens } from "../world/issued-tokens.js";
import type { SigningKey } from "../world/signing-keys.js";

/** What introspection works with. */
export interface IntrospectEndpointParts {
  readonly region: Region;
  readonly account: string;
  readonly seed: Seed;
  readonly tokens: IssuedTokens;
  readonly issuer: string;
  readonly gateway: string;
  readonly signingKey: SigningKey;
}

const cloudRegions: Readonly<Record<Region, string>> = {
  us: "us-west-1",
  eu: "eu-west-1",
  ca: "ca-central-1",
  au: "ap-southeast-2",
};

/**
 * Answers `POST /oauth/introspect`: the service's own shape, not that of RFC 7662, with a signature over the Base64url
 * of the inner JSON.
 */
export function answerIntrospectRequest(request: RequestRecord, parts: IntrospectEndpointParts): Answer {
  if (request.method !== "POST") {
    const refusal = apiError(405, apiErrorCodes.methodNotAllowed, "Method not allowed");
    return { ...refusal, headers: { ...refusal.headers, allow: "POST" } };
  }
  if (request.bodyBytes > maximumFormBytes) {
    return apiError(413, apiErrorCodes.invalidRequest, `The body must not exceed ${maximumFormBytes} bytes.`);
  }
  const value = request.form.get("token");
  if (!value) return apiError(400, apiErrorCodes.missingToken, "The parameter token is missing.");
  const token = parts.tokens.find(value);
  const isActive =
    token !== undefined &&
    token.account === parts.account &&
    token.region === parts.region &&
    token.expiresAt > Date.now() &&
    !parts.tokens.isRevoked(token);
  const inner = isActive ? claimsOf(token, parts) : { active: false };
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

function claimsOf(
  token: IssuedToken,
  { issuer, gateway, seed, account, region }: IntrospectEndpointParts,
): object {
  const seconds = (ms: number): number => Math.floor(ms / 1000);
  return {
    active: true,
    iss: issuer,
    aud: gateway,
    exp: seconds(token.expiresAt),
    nbf: seconds(token.issuedAt),
    iat: seconds(token.issuedAt),
    cid: token.clientId,
    aid: seed.hex(`account/${account}`, 24),
    scp: token.scopes.join(" "),
    reg: cloudRegions[region],
    psn: "CUSTOMER",
  };
}
