import { clientCredentials, memoryStore, talkdeskClientFromEnv } from "@talkdesk-oauth/core";
import { requireLogin, talkdesk, talkdeskErrorHandler, talkdeskLogin } from "@talkdesk-oauth/hono";
import { Hono } from "hono";

const client = talkdeskClientFromEnv({});
const redirectUri = "https://app.example/auth/callback";
const login = talkdeskLogin({ client, redirectUri, store: memoryStore(), contact: "help@example.com" });

export const app = new Hono();
app.use("/service/*", talkdesk(clientCredentials(client)));
app.use(talkdesk(login.source));
app.route("/auth", login);
app.get("/contacts", requireLogin(), async (c) => {
  const contacts: Response = await c.get("talkdesk").fetch("/contacts");
  return c.text(await contacts.text());
});
app.onError(talkdeskErrorHandler({ login: "/auth/login" }));
