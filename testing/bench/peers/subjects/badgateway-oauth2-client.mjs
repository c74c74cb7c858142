import { OAuth2Client, OAuth2Fetch } from "@badgateway/oauth2-client";

/** As its README: the fetch wrapper with the grant that gets a token. */
export function open({ origin, clientId, clientSecret }) {
  const client = new OAuth2Client({
    server: origin,
    tokenEndpoint: "/oauth/token",
    clientId,
    clientSecret,
  });
  const wrapper = new OAuth2Fetch({ client, getNewToken: () => client.clientCredentials() });
  return async (url) => {
    const response = await wrapper.fetch(url);
    await response.arrayBuffer();
    return response.status;
  };
}
