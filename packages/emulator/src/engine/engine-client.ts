import { createHash } from "node:crypto";
import type { AdapterPayload } from "oidc-provider";
import type { EmulatorClient } from "../world/clients.js";

/**
 * Makes the credentials of a client for the engine.
 *
 * The engine form-decodes Basic credentials as RFC 6749 says, Talkdesk takes them as they are. The emulator reads
 * the pair itself and hands the engine a digest of the secret, which no decoding changes.
 */
export function engineAuthorization(clientId: string, secret: string): string {
  const pair = `${encodeURIComponent(clientId)}:${secretDigest(secret)}`;
  return `Basic ${Buffer.from(pair).toString("base64")}`;
}

function secretDigest(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}

/** Describes a client to the engine. */
export function engineClient(client: EmulatorClient): AdapterPayload {
  const usesCodes = client.grantTypes.includes("authorization_code") && client.redirectUris.length > 0;
  return {
    client_id: client.clientId,
    client_secret: secretDigest(client.clientSecret),
    grant_types: client.grantTypes.filter((grantType) => usesCodes || grantType !== "authorization_code"),
    redirect_uris: usesCodes ? [...client.redirectUris] : [],
    response_types: usesCodes ? ["code"] : [],
    token_endpoint_auth_method: "client_secret_basic",
    id_token_signed_response_alg: "ES256",
  } as AdapterPayload;
}
