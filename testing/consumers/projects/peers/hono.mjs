import { clientCredentials, talkdeskClientFromEnv } from "@talkdesk-oauth/core";
import { talkdesk, talkdeskErrorHandler } from "@talkdesk-oauth/hono";
import { Hono } from "hono";

const app = new Hono();
app.use(talkdesk(clientCredentials(talkdeskClientFromEnv())));
app.get("/users", async (c) => {
  const users = await c.get("talkdesk").fetch("/users?per_page=1");
  return c.json(await users.json(), users.status);
});
app.onError(talkdeskErrorHandler());

const { status } = await app.request("/users");
console.log(status);
