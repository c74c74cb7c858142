import { memoryStore, talkdeskClientFromEnv } from "@talkdesk-oauth/core";
import { requireLogin, talkdesk, talkdeskErrorHandler, talkdeskLogin } from "@talkdesk-oauth/express";
import express from "express";
import session from "express-session";

const { PORT: port = "3000", SESSION_SECRET: secret = crypto.randomUUID() } = process.env;
const login = talkdeskLogin({
  client: talkdeskClientFromEnv(),
  redirectUri: `http://localhost:${port}/auth/callback`,
  scope: ["openid", "refresh_token", "contacts:read"],
  store: memoryStore(),
  contact: "help@example.com",
});

const app = express();
app.use(session({ secret, resave: false, saveUninitialized: false, cookie: { sameSite: "lax" } }));
app.use(talkdesk(login.source));
app.use("/auth", login);
app.get("/contacts", requireLogin(), async (request, response) => {
  const contacts = await request.talkdesk.fetch("/contacts");
  response.status(contacts.status).json(await contacts.json());
});
app.use(talkdeskErrorHandler({ login: "/auth/login" }));
app.listen(port, () => console.log(`Open http://localhost:${port}/contacts in a browser.`));
