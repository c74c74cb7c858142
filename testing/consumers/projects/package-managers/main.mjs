// A call of the API for a program, and a page of an Express app for a user who has not signed in: the packages find each
// other, and one core serves them all.
import { createRequire } from "node:module";
import { clientCredentials, isTalkdeskError, memoryStore, talkdeskClientFromEnv } from "@talkdesk-oauth/core";
import { requireLogin, talkdesk, talkdeskErrorHandler, talkdeskLogin } from "@talkdesk-oauth/express";
import { talkdeskFetch } from "@talkdesk-oauth/fetch";
import express from "express";
import session from "express-session";

const client = talkdeskClientFromEnv();
const source = clientCredentials(client);
const called = await talkdeskFetch(source)("/users?per_page=1");
await source.close();
const error = await source.getToken().catch((reason) => reason);

const app = express();
app.use(session({ secret: "a secret of the test", resave: false, saveUninitialized: false }));
const login = talkdeskLogin({
  client,
  redirectUri: "http://localhost/auth/callback",
  store: memoryStore(),
  contact: "help@example.com",
});
app.use(talkdesk(login.source));
app.get("/users", requireLogin(), (_request, response) => response.end());
app.use(talkdeskErrorHandler());
const server = app.listen(0, "127.0.0.1");
await new Promise((resolve) => server.once("listening", resolve));
const refused = await fetch(`http://127.0.0.1:${server.address().port}/users`);
server.close();
server.closeAllConnections();

const { isTalkdeskError: isErrorOfCommonJs } = createRequire(import.meta.url)("@talkdesk-oauth/core");
console.log(called.status, refused.status, isTalkdeskError(error), isErrorOfCommonJs(error), error.code);
