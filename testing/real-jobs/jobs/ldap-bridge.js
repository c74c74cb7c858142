// A directory is the master of users: each entry is added, or replaces the user of that name.
import { serviceToken, talkdeskClientFromEnv } from "@talkdesk-oauth/core";
import { talkdeskFetch } from "@talkdesk-oauth/fetch";

const fetch = talkdeskFetch(serviceToken(talkdeskClientFromEnv(), { scope: "scim" }));

export async function upsertUser(user) {
  const query = new URLSearchParams({ filter: `userName eq ${JSON.stringify(user.userName)}` });
  const [known] = (await (await fetch(`/scim/v2/Users?${query}`)).json()).Resources;
  const body = new Blob([JSON.stringify(user)], { type: "application/scim+json" });
  const [method, path] = known ? ["PUT", `/scim/v2/Users/${known.id}`] : ["POST", "/scim/v2/Users"];
  return (await fetch(path, { method, body })).json();
}
