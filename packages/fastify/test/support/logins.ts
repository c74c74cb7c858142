import { clientSecretBasic, memoryStore, talkdeskClient } from "@talkdesk-oauth/core";
import type { TalkdeskLoginOptions } from "@talkdesk-oauth/fastify";

/** The options of a login at `/auth`, in front of a Talkdesk that does not exist. */
export const loginOptions = (): TalkdeskLoginOptions => ({
  client: talkdeskClient({
    account: "acme",
    region: "eu",
    authentication: clientSecretBasic({ clientId: "id", clientSecret: "secret" }),
  }),
  redirectUri: "http://localhost:3000/auth/callback",
  store: memoryStore(),
  contact: "help@example.com",
});
