import { clientCredentials, clientSecretBasic, talkdeskClient } from "@talkdesk-oauth/core";

/** Makes a source without a network: its fetch answers at once. */
export function sourceWithoutNetwork(clientId = "bench", tokenLength = 0) {
  return clientCredentials(
    talkdeskClient({
      account: "bench",
      authentication: clientSecretBasic({ clientId, clientSecret: "bench-secret" }),
      fetch: fetchWithoutNetwork(clientId, tokenLength),
    }),
  );
}

/** Makes a fetch that answers as a token endpoint does, with a token of at least so many characters. */
export function fetchWithoutNetwork(clientId, tokenLength = 0) {
  return async () =>
    Response.json({
      access_token: `token-of-${clientId}`.padEnd(tokenLength, "x"),
      token_type: "Bearer",
      expires_in: 599,
    });
}
