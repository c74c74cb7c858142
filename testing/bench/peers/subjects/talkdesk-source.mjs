import { clientCredentials, clientSecretBasic, talkdeskClient } from "@talkdesk-oauth/core";

/** The source of the three adapters' subjects. */
export function openSource({ origin, clientId, clientSecret }) {
  return clientCredentials(
    talkdeskClient({
      endpoints: { token: `${origin}/oauth/token`, api: origin },
      authentication: clientSecretBasic({ clientId, clientSecret }),
    }),
  );
}
