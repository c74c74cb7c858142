import { ClientCredentials } from "simple-oauth2";

/** As its README: a token is asked for when there is none, or when it has expired. */
export function open({ origin, clientId, clientSecret }) {
  const client = new ClientCredentials({
    client: { id: clientId, secret: clientSecret },
    auth: { tokenHost: origin },
  });
  let accessToken;
  return async (url) => {
    if (accessToken === undefined || accessToken.expired()) accessToken = await client.getToken({});
    const headers = { authorization: `Bearer ${accessToken.token.access_token}` };
    const response = await fetch(url, { headers });
    await response.arrayBuffer();
    return response.status;
  };
}
