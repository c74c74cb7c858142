import { talkdeskFetch } from "@talkdesk-oauth/fetch";
import { openSource } from "./talkdesk-source.mjs";

export function open(service) {
  const fetch = talkdeskFetch(openSource(service));
  return async (url, body) => {
    const method = body === undefined ? "GET" : "POST";
    const response = await fetch(url, { method, body });
    await response.arrayBuffer();
    return response.status;
  };
}
