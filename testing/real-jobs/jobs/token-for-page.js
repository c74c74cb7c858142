// A component in a page, such as a tab of Teams, that needs a token of the user who is signed in.
import { requireLogin, talkdesk } from "@talkdesk-oauth/express";
import { Router } from "express";

export const tokenForPage = (login, origin) =>
  Router().post("/token", talkdesk(login.source), requireLogin(), async (request, response) => {
    if (request.get("origin") !== origin) return response.sendStatus(403);
    const { value, expiresAt } = await request.talkdesk.getToken({ minimumLifetimeMs: 300_000 });
    response.set("cache-control", "no-store").json({ value, expiresAt });
  });
