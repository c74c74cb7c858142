import * as client from "openid-client";

/** Its README gets a token by a call and leaves keeping it to the app, which does so here until `expiresIn()` is 0. */
export function open({ origin, clientId, clientSecret }) {
  const config = new client.Configuration(
    { issuer: origin, token_endpoint: `${origin}/oauth/token` },
    clientId,
    clientSecret,
    client.ClientSecretBasic(clientSecret),
  );
  let tokens;
  return async (url) => {
    if (!tokens?.expiresIn()) tokens = await client.clientCredentialsGrant(config);
    const response = await client.fetchProtectedResource(config, tokens.access_token, new URL(url), "GET");
    await response.arrayBuffer();
    return response.status;
  };
}
