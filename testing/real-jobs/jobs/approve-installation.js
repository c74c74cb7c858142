// AppConnect: the app approves an installation, and proves itself with its key.
import { clientCredentials, talkdeskClientFromEnv } from "@talkdesk-oauth/core";
import { talkdeskFetch } from "@talkdesk-oauth/fetch";

const fetch = talkdeskFetch(clientCredentials(talkdeskClientFromEnv(), { scope: "apps:write" }));

export function approve(appId, installationId) {
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify({ state: "approve" });
  return fetch(`/apps/${appId}/installations/${installationId}/state`, { method: "POST", headers, body });
}
