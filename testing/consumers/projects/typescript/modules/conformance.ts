import { describeAdapter, describeTokenStore, type PlainRequest } from "@talkdesk-oauth/conformance";
import { memoryStore } from "@talkdesk-oauth/core";
import { talkdeskFetch } from "@talkdesk-oauth/fetch";

describeTokenStore("in memory", () => ({ store: memoryStore() }), { tickMs: 1 });
describeAdapter("fetch", ({ source, origins }) => {
  const api = talkdeskFetch(source, { origins });
  return async ({ url, body, ...init }: PlainRequest) => {
    const response = await api(url, { ...init, body: body?.kind === "string" ? body.value : null });
    const headers = Object.fromEntries(response.headers);
    return { status: response.status, headers, text: () => response.text() };
  };
});
