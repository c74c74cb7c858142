import { memoryStore, talkdeskClientFromEnv } from "@talkdesk-oauth/core";
import { requireLogin, talkdeskErrorHandler, talkdeskLogin, talkdeskPlugin } from "@talkdesk-oauth/fastify";
import Fastify from "fastify";

const login = talkdeskLogin({
  client: talkdeskClientFromEnv(),
  redirectUri: "https://app.example/auth/callback",
  store: memoryStore(),
  contact: "help@example.com",
});

export const app = Fastify();
app.setErrorHandler(talkdeskErrorHandler({ login: "/auth/login" }));
app.register(talkdeskPlugin, { login, prefix: "/auth" });
app.get("/contacts", { preHandler: requireLogin() }, async (request) => {
  const contacts: Response = await request.talkdesk.fetch("/contacts");
  return contacts.text();
});
