import {
  bearerTokenAuthenticationPolicy,
  createDefaultHttpClient,
  createPipelineFromOptions,
  createPipelineRequest,
} from "@azure/core-rest-pipeline";

/** As Azure's clients make theirs: the default pipeline with the policy for tokens, and a credential of one's own. */
export function open({ origin, clientId, clientSecret, httpClient = createDefaultHttpClient() }) {
  const basic = Buffer.from(`${clientId}:${clientSecret}`).toString("base64");
  const credential = {
    async getToken() {
      const response = await fetch(`${origin}/oauth/token`, {
        method: "POST",
        headers: { authorization: `Basic ${basic}` },
        body: new URLSearchParams({ grant_type: "client_credentials" }),
      });
      const { access_token, expires_in } = await response.json();
      return { token: access_token, expiresOnTimestamp: Date.now() + expires_in * 1000 };
    },
  };
  const pipeline = createPipelineFromOptions({});
  pipeline.addPolicy(bearerTokenAuthenticationPolicy({ credential, scopes: "users:read" }));
  return async (url) => (await pipeline.sendRequest(httpClient, createPipelineRequest({ url }))).status;
}
