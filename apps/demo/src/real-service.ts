import { clientCredentials, type TalkdeskClient } from "@talkdesk-oauth/core";
import { talkdeskFetch } from "@talkdesk-oauth/fetch";
import type { RunStep } from "./step.js";

const SCOPE_HINT =
  ": the client lacks the scope for this; set TALKDESK_DEMO_PATH to a path that the client may read";

/** Gets one token and reads one page with it. */
export async function callOnce(client: TalkdeskClient, path: string, runStep: RunStep): Promise<void> {
  await using source = clientCredentials(client);
  await runStep(`token from ${new URL(client.endpoints.token).host}`, async () => {
    const token = await source.getToken();
    const seconds = Math.round((token.expiresAt - token.issuedAt) / 1000);
    return `received, lives ${seconds} s, ${token.scope?.length ?? "unknown"} scopes`;
  });
  await runStep(`GET ${path.split("?")[0]} at ${new URL(client.endpoints.api).host}`, async () => {
    const response = await talkdeskFetch(source)(path);
    await response.body?.cancel();
    return `answered ${response.status}${response.status === 403 ? SCOPE_HINT : ""}`;
  });
}
