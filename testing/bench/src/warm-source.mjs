import { clientCredentials, clientSecretBasic, talkdeskClient } from "@talkdesk-oauth/core";

/** Makes a source without a network: its fetch answers at once. */
export function sourceWithoutNetwork(clientId = "bench") {
  return clientCredentials(
    talkdeskClient({
      account: "bench",
      authentication: clientSecretBasic({ clientId, clientSecret: "bench-secret" }),
      fetch: fetchWithoutNetwork(clientId),
    }),
  );
}

/** Makes a fetch that answers as a token endpoint does. */
export function fetchWithoutNetwork(clientId) {
  const answer = JSON.stringify({
    access_token: `token-of-${clientId}`,
    token_type: "Bearer",
    expires_in: 599,
  });
  return async () => new Response(answer, { headers: { "content-type": "application/json" } });
}
