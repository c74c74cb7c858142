// Users by SCIM, which takes four requests a second: after a 429, wait as long as it says.
import { setTimeout as sleep } from "node:timers/promises";
import { clientCredentials, retryAfterMs, talkdeskClientFromEnv } from "@talkdesk-oauth/core";
import { talkdeskFetch } from "@talkdesk-oauth/fetch";

const fetch = talkdeskFetch(clientCredentials(talkdeskClientFromEnv(), { scope: "scim" }));

export async function addUser(user) {
  const body = new Blob([JSON.stringify(user)], { type: "application/scim+json" });
  const response = await fetch("/scim/v2/Users", { method: "POST", body });
  if (response.status !== 429) return response.json();
  return sleep(retryAfterMs(response.headers) ?? 1_000).then(() => addUser(user));
}
