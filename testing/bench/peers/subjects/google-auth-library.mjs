import { OAuth2Client } from "google-auth-library";

/** As its README: a client whose `refreshHandler` gets a token of another issuer. */
export function open({ origin, clientId, clientSecret }) {
  const client = new OAuth2Client();
  const basic = Buffer.from(`${clientId}:${clientSecret}`).toString("base64");
  client.refreshHandler = async () => {
    const response = await fetch(`${origin}/oauth/token`, {
      method: "POST",
      headers: { authorization: `Basic ${basic}` },
      body: new URLSearchParams({ grant_type: "client_credentials" }),
    });
    const { access_token, expires_in } = await response.json();
    return { access_token, expiry_date: Date.now() + expires_in * 1000 };
  };
  return async (url) => (await client.request({ url, fetchImplementation: fetch })).status;
}
