import { once } from "node:events";
import { createServer } from "node:http";
import { clientSecretBasic, memoryStore, talkdeskClient } from "@talkdesk-oauth/core";
import { requireLogin, talkdesk, talkdeskLogin } from "@talkdesk-oauth/express";
import express from "express";
import session from "express-session";
import { fetchWithoutNetwork, sourceWithoutNetwork } from "./warm-source.mjs";

const page = { total: 1, page: 1, _embedded: { users: [{ id: "1", name: "Ada" }] } };

/**
 * Express apps by name. All answer `GET /users` with the same JSON. A name lists the middleware before the handler, and what
 * the handler calls first. Apps with a login also have sessions.
 */
export const expressApps = {
  bare: () => express().get("/users", answer),
  "talkdesk(source)": () => express().use(talkdesk(sourceWithoutNetwork())).get("/users", answer),
  "talkdesk(source), getToken()": () =>
    express().use(talkdesk(sourceWithoutNetwork())).get("/users", answerWithToken),
  "express-session": () => withSessions().get("/users", answer),
  "talkdesk(login.source), requireLogin()": () => withLogin().get("/users", requireLogin(), answer),
  "talkdesk(login.source), requireLogin(), getToken()": () =>
    withLogin().get("/users", requireLogin(), answerWithToken),
};

function answer(_request, response) {
  response.json(page);
}

async function answerWithToken(request, response) {
  await request.talkdesk.getToken();
  response.json(page);
}

/** Makes an app with a user in its sessions. Its login has the addresses of the real one and signs in every visitor. */
function withSessions() {
  const app = express().use(sessions());
  app.get("/auth/login", (_request, response) => response.redirect("/auth/callback?state=any"));
  app.get("/auth/callback", (request, response) => {
    request.session.user = {
      sub: "5c9f0e2b8d7a4f6c9e1b3d5f",
      name: "Ada Lovelace",
      email: "ada@example.com",
    };
    response.redirect("/");
  });
  return app;
}

/** Makes an app with the real login. Its token endpoint gives a token for any code. */
function withLogin() {
  const login = talkdeskLogin({
    client: talkdeskClient({
      account: "bench",
      authentication: clientSecretBasic({ clientId: "bench", clientSecret: "bench-secret" }),
      fetch: fetchWithoutNetwork("bench"),
    }),
    redirectUri: "http://localhost/auth/callback",
    store: memoryStore(),
    contact: "help@example.com",
  });
  return express().use(sessions(), talkdesk(login.source)).use("/auth", login);
}

function sessions() {
  return session({ secret: "a secret of the bench", resave: false, saveUninitialized: false });
}

/** Makes the headers of a browser. Where the app has a login, its user has signed in. */
export async function browserHeaders(app) {
  const server = createServer(app).listen(0, "127.0.0.1");
  await once(server, "listening");
  const visit = (path, headers) =>
    fetch(`http://127.0.0.1:${server.address().port}${path}`, { headers, redirect: "manual" });
  const cookieOf = (response) => response.headers.getSetCookie()[0]?.split(";")[0];
  try {
    const begun = await visit("/auth/login");
    if (begun.status === 404) return {};
    const { searchParams } = new URL(begun.headers.get("location"), "http://localhost");
    const callback = `/auth/callback?code=a-code&state=${searchParams.get("state")}`;
    const cookie = cookieOf(begun);
    const ended = await visit(callback, cookie === undefined ? {} : { cookie });
    const signedIn = { cookie: cookieOf(ended) };
    const { status } = await visit("/users", signedIn);
    if (status !== 200) throw new Error(`Who has signed in is answered with ${status}.`);
    return signedIn;
  } finally {
    server.close();
    server.closeAllConnections();
  }
}
