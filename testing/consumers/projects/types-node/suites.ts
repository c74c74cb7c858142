import { describeAdapter, describeTokenStore, setTokenStage } from "@talkdesk-oauth/conformance";
import { memoryStore } from "@talkdesk-oauth/core";
import { talkdeskFetch } from "@talkdesk-oauth/fetch";

describeTokenStore("a store", () => ({ store: memoryStore() }));
describeAdapter("an adapter", ({ source, origins }) => {
  const send = talkdeskFetch(source, { origins });
  return async ({ url, body, ...init }) => {
    const response = await send(url, { ...init, body: String(body?.value ?? "") });
    return {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      text: () => response.text(),
    };
  };
});

export async function end(): Promise<void> {
  const stage = await setTokenStage();
  await stage[Symbol.asyncDispose]();
}
