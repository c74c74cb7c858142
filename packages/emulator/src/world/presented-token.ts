import { describeLeniency, type Leniency } from "../base/laxity.js";
import type { Region } from "../base/region.js";
import type { IssuedToken, IssuedTokens } from "./issued-tokens.js";

/** Finds the token in an `Authorization` header. */
export function findPresentedToken(
  tokens: IssuedTokens,
  authorization: string | undefined,
  leniency: Leniency,
): IssuedToken | undefined {
  // A service token stands alone. Other tokens follow their scheme, in any case of letters (RFC 9110 §11.1), and one
  // space. Every other form is refused, and so is a repeated header, which arrives joined with a comma.
  const bare = tokens.find(authorization ?? "");
  if (bare?.isBare) return bare;
  const token = findBearer(tokens, authorization);
  return token?.isBare === true && !leniency.permit("bearer-service-token") ? undefined : token;
}

/** Says why a region refuses the token in an `Authorization` header; undefined when it accepts the token. */
export function explainRefusal(
  tokens: IssuedTokens,
  region: Region,
  token: IssuedToken | undefined,
  authorization: string | undefined,
): string | undefined {
  if (token === undefined) {
    return findBearer(tokens, authorization)?.isBare === true
      ? `A service token must stand alone, without Bearer. ${describeLeniency("bearer-service-token")}`
      : "The request has no token that this emulator knows.";
  }
  if (token.region !== region) return "The token was issued in another region.";
  if (token.expiresAt <= Date.now()) return "The token has expired.";
  return tokens.isRevoked(token) ? "The token was revoked." : undefined;
}

function findBearer(tokens: IssuedTokens, authorization: string | undefined): IssuedToken | undefined {
  return tokens.find(/^Bearer ([^\s,]+)$/i.exec(authorization ?? "")?.[1] ?? "");
}
