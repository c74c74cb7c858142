import {
  requireLogin,
  type TalkdeskLogin,
  talkdesk,
  talkdeskErrorHandler,
  talkdeskLogin,
} from "@talkdesk-oauth/hono";
import { Hono } from "hono";
import { client, store } from "./core.js";

const login: TalkdeskLogin = talkdeskLogin({
  client: (c) => (c.req.path === "/" ? client : client),
  redirectUri: "https://app.example.com/auth/callback",
  store,
  contact: "help@example.com",
});

export const app = new Hono();
app.use(talkdesk(login.source));
app.route("/auth", login);
app.get("/contacts", requireLogin(), async (c) => {
  const contacts = await c.get("talkdesk").fetch("/contacts");
  return c.json({ user: await login.user(c), contacts: await contacts.json() });
});
app.onError(talkdeskErrorHandler({ login: "/auth/login" }));
