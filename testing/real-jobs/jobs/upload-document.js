// A document for the knowledge base, as a form with a file.
import { clientCredentials, talkdeskClientFromEnv } from "@talkdesk-oauth/core";
import { talkdeskFetch } from "@talkdesk-oauth/fetch";

const fetch = talkdeskFetch(clientCredentials(talkdeskClientFromEnv()));

export async function uploadDocument(sourceId, name, text) {
  const body = new FormData();
  body.append("file", new Blob([text], { type: "text/markdown" }), name);
  const path = `/knowledge-management/external-sources/${sourceId}/documents`;
  return (await fetch(path, { method: "POST", body })).json();
}
