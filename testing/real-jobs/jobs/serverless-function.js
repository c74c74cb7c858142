// A serverless function: its instance keeps the token, and no renewal is left half done when it is frozen.
import { clientCredentials, talkdeskClientFromEnv } from "@talkdesk-oauth/core";
import { talkdeskFetch } from "@talkdesk-oauth/fetch";

const fetch = talkdeskFetch(clientCredentials(talkdeskClientFromEnv(), { refreshEarlyMs: 0 }));

export async function handler(event) {
  const user = await fetch(`/users/${event.pathParameters.id}`);
  return { statusCode: user.status, body: await user.text() };
}
