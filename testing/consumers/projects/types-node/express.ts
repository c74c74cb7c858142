import { memoryStore, talkdeskClientFromEnv } from "@talkdesk-oauth/core";
import { requireLogin, talkdesk, talkdeskErrorHandler, talkdeskLogin } from "@talkdesk-oauth/express";
import express from "express";

const login = talkdeskLogin({
  client: talkdeskClientFromEnv(),
  redirectUri: "https://app.example/auth/callback",
  store: memoryStore(),
  contact: "help@example.com",
});

export const app = express();
app.use(talkdesk(login.source));
app.use("/auth", login);
app.get("/contacts", requireLogin(), async (request, response) => {
  const contacts: Response = await request.talkdesk.fetch("/contacts");
  response.status(contacts.status).send(await contacts.text());
});
app.use(talkdeskErrorHandler({ login: "/auth/login" }));
