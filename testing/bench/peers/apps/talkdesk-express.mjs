import { clientSecretBasic, memoryStore, talkdeskClient } from "@talkdesk-oauth/core";
import { requireLogin, talkdesk, talkdeskLogin } from "@talkdesk-oauth/express";
import express from "express";
import session from "express-session";

/** As the README of `@talkdesk-oauth/express`. */
export function makeApp({ origin, clientId, clientSecret }) {
  const login = talkdeskLogin({
    client: talkdeskClient({
      endpoints: { identity: origin, api: origin },
      authentication: clientSecretBasic({ clientId, clientSecret }),
    }),
    redirectUri: "http://localhost/callback",
    store: memoryStore(),
    contact: "help@example.com",
  });
  const app = express();
  app.use(session({ secret: "a secret of the bench", resave: false, saveUninitialized: false }));
  app.use(talkdesk(login.source), login);
  return app.get("/users", requireLogin(), (_request, response) => response.json({ total: 1 }));
}
