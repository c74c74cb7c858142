import { clientCredentials, clientSecretBasic, talkdeskClient } from "@talkdesk-oauth/core";

/** A source that asks nobody: its fetch answers at once. */
export function sourceWithoutNetwork(clientId = "bench") {
  return clientCredentials(
    talkdeskClient({
      account: "bench",
      authentication: clientSecretBasic({ clientId, clientSecret: "bench-secret" }),
      fetch: fetchWithoutNetwork(clientId),
    }),
  );
}

/** Stands for the token endpoint. */
export function fetchWithoutNetwork(clientId) {
  const answer = JSON.stringify({
    access_token: `token-of-${clientId}`,
    token_type: "Bearer",
    expires_in: 599,
  });
  return async () => new Response(answer, { headers: { "content-type": "application/json" } });
}
