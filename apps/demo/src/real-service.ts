import { clientCredentials, type TalkdeskClient } from "@talkdesk-oauth/core";
import { talkdeskFetch } from "@talkdesk-oauth/fetch";
import type { RunStep } from "./demo.js";

/** Gets one token and reads one page with it. */
export async function callOnce(client: TalkdeskClient, path: string, step: RunStep): Promise<void> {
  await using source = clientCredentials(client);
  await step(`token from ${new URL(client.endpoints.token).host}`, async () => {
    const token = await source.getToken();
    const seconds = Math.round((token.expiresAt - token.issuedAt) / 1000);
    return `received, lives ${seconds} s, ${token.scope?.length ?? "unknown"} scopes`;
  });
  await step(`GET ${path.split("?")[0]} at ${new URL(client.endpoints.api).host}`, async () => {
    const response = await talkdeskFetch(source)(path);
    await response.body?.cancel();
    return `answered ${response.status}${response.status === 403 ? ": the client lacks the scope for this; set TALKDESK_DEMO_PATH to a path that it may read" : ""}`;
  });
}
