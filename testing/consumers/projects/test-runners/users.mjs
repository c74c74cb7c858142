import { clientCredentials, talkdeskClientFromEnv } from "@talkdesk-oauth/core";
import { talkdeskFetch } from "@talkdesk-oauth/fetch";

export async function countUsers(env) {
  const response = await talkdeskFetch(clientCredentials(talkdeskClientFromEnv(env)))("/users");
  return (await response.json()).total;
}
