import { createHash } from "node:crypto";
import type { AdapterPayload } from "oidc-provider";
import type { EmulatorClient } from "../world/clients.js";

/**
 * Makes the `Authorization` header with which a client is known to the engine.
 *
 * The engine form-decodes Basic credentials, as RFC 6749 says; Talkdesk takes them as they are. So the emulator checks the
 * credentials itself, and gives the engine a digest of the secret, which decoding does not change.
 */
export function makeEngineAuthorization({ clientId, clientSecret }: EmulatorClient): string {
  const pair = `${encodeURIComponent(clientId)}:${digestSecret(clientSecret)}`;
  return `Basic ${Buffer.from(pair).toString("base64")}`;
}

function digestSecret(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}

/** Describes a client in the terms of the engine. */
export function toEngineClient(client: EmulatorClient): AdapterPayload {
  const usesCodes = client.grantTypes.includes("authorization_code") && client.redirectUris.length > 0;
  return {
    client_id: client.clientId,
    client_secret: digestSecret(client.clientSecret),
    grant_types: client.grantTypes.filter((grantType) => usesCodes || grantType !== "authorization_code"),
    redirect_uris: usesCodes ? [...client.redirectUris] : [],
    response_types: usesCodes ? ["code"] : [],
    token_endpoint_auth_method: "client_secret_basic",
    id_token_signed_response_alg: "ES256",
  } as AdapterPayload;
}
