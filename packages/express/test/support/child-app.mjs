// An app in a process of its own. Its stores are those of its parent, which it asks over HTTP.
import { once } from "node:events";
import express from "express";
import session from "express-session";
import { clientSecretBasic, talkdeskClient } from "./core.js";
import { requireLogin, talkdesk, talkdeskErrorHandler, talkdeskLogin } from "./index.js";

const { stores, redirectUri, endpoints, clientId, clientSecret } = JSON.parse(process.env.SETTINGS);

async function ask(path, ...args) {
  const response = await fetch(`${stores}/${path}`, { method: "POST", body: JSON.stringify(args) });
  if (!response.ok) throw new Error(`the stores answered ${response.status}`);
  return (await response.json()).answer;
}

const tokens = {
  read: (key) => ask("tokens/read", key),
  write: (key, value, options) => ask("tokens/write", key, value, options),
  delete: (key) => ask("tokens/delete", key),
  async lock(key, { ttlMs }) {
    const fence = await ask("tokens/lock", key, { ttlMs });
    return fence === undefined ? undefined : { fence, release: () => ask("tokens/release", key, fence) };
  },
};

class Sessions extends session.Store {
  get(id, callback) {
    ask("sessions/get", id).then((found) => callback(null, found), callback);
  }
  set(id, data, callback) {
    ask("sessions/set", id, data).then(() => callback?.(), callback);
  }
  destroy(id, callback) {
    ask("sessions/destroy", id).then(() => callback?.(), callback);
  }
}

let aheadMs = 0;
const clock = {
  now: () => Date.now() + aheadMs,
  monotonic: () => performance.now() + aheadMs,
  setTimeout: (callback, delayMs) => setTimeout(callback, delayMs).unref(),
  clearTimeout: (timer) => clearTimeout(timer),
};

const login = talkdeskLogin({
  client: talkdeskClient({ endpoints, clock, authentication: clientSecretBasic({ clientId, clientSecret }) }),
  redirectUri,
  scope: ["openid", "refresh_token", "users:read"],
  store: tokens,
  contact: "help@example.com",
});
const app = express();
app.use(
  session({
    secret: "a secret of the tests",
    resave: false,
    saveUninitialized: false,
    store: new Sessions(),
  }),
);
app.use(talkdesk(login.source));
app.use("/auth", login);
app.get("/", async (request, response) => {
  response.json({ isSignedIn: Boolean(request.talkdesk), user: (await login.user(request)) ?? null });
});
app.get("/me", requireLogin(), async (request, response) => {
  const me = await request.talkdesk.fetch("/users/me");
  response.status(me.status).json(await me.json());
});
app.get("/clock", (request, response) => {
  aheadMs = Number(request.query.aheadMs);
  response.end();
});
// Its answer waits until the parent says so, and the session is stored again at its end.
app.get("/slow", async (request, response) => {
  await ask("gate");
  request.session.touchedBy = "a slow page";
  response.json({});
});
app.use(talkdeskErrorHandler({ login: "/auth/login" }));

const server = app.listen(0, "127.0.0.1");
await once(server, "listening");
process.stdout.write(`http://localhost:${server.address().port}\n`);
