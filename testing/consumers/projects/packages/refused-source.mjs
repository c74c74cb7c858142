import { accessToken, clientCredentials, talkdeskClientFromEnv } from "@talkdesk-oauth/core";

/** Makes a source whose first token the API refuses. */
export function refusedSource() {
  const source = clientCredentials(talkdeskClientFromEnv());
  const refused = accessToken({ value: "of-nobody", expiresAt: Date.now() + 600_000 });
  return {
    api: source.api,
    getToken: (request) => (request?.rejected ? source.getToken() : Promise.resolve(refused)),
  };
}
