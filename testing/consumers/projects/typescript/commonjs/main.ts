import talkdeskAxios = require("@talkdesk-oauth/axios");
import core = require("@talkdesk-oauth/core");
import emulator = require("@talkdesk-oauth/emulator");
import forExpress = require("@talkdesk-oauth/express");
import forFastify = require("@talkdesk-oauth/fastify");
import talkdeskFetch = require("@talkdesk-oauth/fetch");
import forHono = require("@talkdesk-oauth/hono");
import neutral = require("@talkdesk-oauth/login");
import redis = require("@talkdesk-oauth/redis");
import sqlite = require("@talkdesk-oauth/sqlite");
import talkdeskUndici = require("@talkdesk-oauth/undici");
import axios = require("axios");
import BetterSqlite = require("better-sqlite3");
import express = require("express");
import session = require("express-session");
import fastify = require("fastify");
import hono = require("hono");
import ioredis = require("ioredis");
import Libsql = require("libsql");
import nodeRedis = require("redis");
import undici = require("undici");

const client: core.TalkdeskClient = core.talkdeskClientFromEnv(process.env);
const source: core.TokenSource = core.clientCredentials(client, { scope: "users:read" });

export const stores: readonly core.TokenStore[] = [
  core.encryptedStore(core.memoryStore(), "a secret of 32 characters or more"),
  sqlite.sqliteStore(new Libsql("tokens.db")),
  sqlite.sqliteStore(new BetterSqlite("tokens.db")),
  redis.redisStore({ client: nodeRedis.createClient() }),
  redis.redisStore({ client: new ioredis.Redis() }),
];

export async function countUsers(): Promise<number> {
  const path = "/users?per_page=1";
  const byFetch: Response = await talkdeskFetch.talkdeskFetch(source)(path);
  const api: axios.AxiosInstance = axios.create();
  api.interceptors.request.use(talkdeskAxios.talkdeskAxios(source));
  const byAxios = await api.get<{ total: number }>(path);
  const dispatcher = new undici.Agent().compose(talkdeskUndici.talkdeskUndici(source));
  const { body } = await undici.request(`${source.api}${path}`, { dispatcher });
  return [await byFetch.json(), byAxios.data, await body.json()].length;
}

const options = {
  client,
  redirectUri: "https://app.example.com/auth/callback",
  scope: ["openid", "refresh_token"],
  store: core.memoryStore(),
  contact: "help@example.com",
} as const;

export const login: neutral.Login = neutral.talkdeskLogin(options);

export function makeExpressApp(): express.Express {
  const app = express();
  const login: forExpress.TalkdeskLogin = forExpress.talkdeskLogin(options);
  app.use(session({ secret: "a secret", resave: false, saveUninitialized: false }));
  app.use(forExpress.talkdesk(login.source));
  app.use("/auth", login);
  app.get("/contacts", forExpress.requireLogin(), async (request: express.Request, response) => {
    response.json(await (await request.talkdesk.fetch("/contacts")).json());
  });
  app.use(forExpress.talkdeskErrorHandler());
  return app;
}

export function makeHonoApp(): hono.Hono {
  const app = new hono.Hono();
  const login: forHono.TalkdeskLogin = forHono.talkdeskLogin(options);
  app.use(forHono.talkdesk(login.source));
  app.route("/auth", login);
  app.get("/contacts", forHono.requireLogin(), (c) => c.get("talkdesk").fetch("/contacts"));
  app.onError(forHono.talkdeskErrorHandler());
  return app;
}

export async function makeFastifyApp(): Promise<fastify.FastifyInstance> {
  const app = fastify.fastify();
  const login: forFastify.TalkdeskLogin = forFastify.talkdeskLogin(options);
  app.setErrorHandler(forFastify.talkdeskErrorHandler());
  await app.register(forFastify.talkdeskPlugin, { login, prefix: "/auth" });
  app.get("/contacts", { preHandler: forFastify.requireLogin() }, async (request) =>
    (await request.talkdesk.fetch("/contacts")).json(),
  );
  return app;
}

export async function tryEmulator(): Promise<core.AccessToken> {
  const talkdesk: emulator.Emulator = await emulator.startEmulator();
  talkdesk.faults.add({ at: "token", respond: emulator.answers.unavailable(1) });
  return core.clientCredentials(core.talkdeskClientFromEnv(talkdesk.environment())).getToken();
}
