import { once } from "node:events";
import { createServer } from "node:http";
import { requireLogin, talkdesk, talkdeskErrorHandler, talkdeskLogin } from "@talkdesk-oauth/express";
import express from "express";
import session from "express-session";
import { loginOptions, printLogin } from "./log-in.mjs";

const login = talkdeskLogin(loginOptions());
const app = express();
app.use(session({ secret: "a secret of the tests", resave: false, saveUninitialized: false }));
app.use(talkdesk(login.source));
app.use(login);
app.get("/me", requireLogin(), async (request, response) => {
  const { status } = await request.talkdesk.fetch("/users/me");
  response.json({ status });
});
app.use(talkdeskErrorHandler());

const server = createServer(app).listen(0, "127.0.0.1");
await once(server, "listening");
await printLogin(server.address().port);
server.close();
server.closeAllConnections();
