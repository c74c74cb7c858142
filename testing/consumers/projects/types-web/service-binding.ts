// A Worker with Cloudflare's types alone sends its calls by a service binding.
import { clientCredentials, clientSecretBasic, talkdeskClient } from "@talkdesk-oauth/core";
import { talkdeskFetch } from "@talkdesk-oauth/fetch";
import { answer } from "./app.js";

interface Bindings {
  readonly GATEWAY: Fetcher;
  readonly SECRET: string;
}

export const worker: ExportedHandler<Bindings> = {
  async fetch(request, { GATEWAY, SECRET }) {
    const authentication = clientSecretBasic({ clientId: "an-app", clientSecret: SECRET });
    const client = talkdeskClient({
      account: "acme",
      authentication,
      fetch: (url, init) => GATEWAY.fetch(url, init),
    });
    const users = await talkdeskFetch(clientCredentials(client), { fetch: GATEWAY.fetch.bind(GATEWAY) })(
      "/users",
    );
    return users.ok ? users : answer(request, { secret: SECRET });
  },
};
