import {
  requireLogin,
  type SignedInUser,
  type TalkdeskLogin,
  talkdesk,
  talkdeskErrorHandler,
  talkdeskLogin,
} from "@talkdesk-oauth/express";
import express, { type Request } from "express";
import session from "express-session";
import { client, source, store } from "./core.js";

const login: TalkdeskLogin = talkdeskLogin({
  client: (request: Request) => (request.hostname === "app.example.com" ? client : client),
  redirectUri: "https://app.example.com/auth/callback",
  store,
  contact: "help@example.com",
});

export const app = express();
app.use("/reports", talkdesk(source));
app.use(session({ secret: "a secret", resave: false, saveUninitialized: false }));
app.use(talkdesk(login.source));
app.use("/auth", login);
app.get("/contacts", requireLogin({ login: "/auth/login" }), async (request, response) => {
  const user: SignedInUser | undefined = await login.user(request);
  const contacts = await request.talkdesk.fetch("/contacts");
  response.status(contacts.status).json({ user, contacts: await contacts.json() });
});
app.use(talkdeskErrorHandler({ login: "/auth/login" }));
