import { clientCredentials, clientSecretBasic, talkdeskClient } from "@talkdesk-oauth/core";

/** A source that asks nobody: its fetch answers at once. */
export function sourceWithoutNetwork(clientId = "bench") {
  const answer = JSON.stringify({
    access_token: `token-of-${clientId}`,
    token_type: "Bearer",
    expires_in: 599,
  });
  return clientCredentials(
    talkdeskClient({
      account: "bench",
      authentication: clientSecretBasic({ clientId, clientSecret: "bench-secret" }),
      fetch: async () => new Response(answer, { headers: { "content-type": "application/json" } }),
    }),
  );
}
