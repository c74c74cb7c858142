import { ConfidentialClientApplication } from "@azure/msal-node";

/** As its README, with the metadata of an authority that is not Microsoft's given. */
export function open({ origin, clientId, clientSecret }) {
  const authority = `${origin}/tenant`;
  const app = new ConfidentialClientApplication({
    auth: {
      clientId,
      clientSecret,
      authority,
      knownAuthorities: [new URL(origin).host],
      authorityMetadata: JSON.stringify({
        issuer: authority,
        authorization_endpoint: `${authority}/oauth/authorize`,
        token_endpoint: `${authority}/oauth/token`,
        end_session_endpoint: `${authority}/logout`,
        jwks_uri: `${authority}/jwks`,
      }),
    },
  });
  return async (url) => {
    const { accessToken } = await app.acquireTokenByClientCredential({ scopes: ["users/.default"] });
    const response = await fetch(url, { headers: { authorization: `Bearer ${accessToken}` } });
    await response.arrayBuffer();
    return response.status;
  };
}
