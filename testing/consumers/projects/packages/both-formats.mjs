// Two copies of each package in one process: as ES modules, and as CommonJS for an older dependency. What one copy makes, the
// other takes.
import { once } from "node:events";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import axios from "axios";
import express from "express";
import session from "express-session";
import Fastify from "fastify";
import * as honoModule from "hono";
import Database from "libsql";
import { Agent, request } from "undici";
import { loginOptions } from "./log-in.mjs";

const PACKAGES = [
  ...["core", "fetch", "axios", "undici", "login"],
  ...["express", "hono", "fastify", "sqlite", "redis", "emulator"],
];

const require = createRequire(import.meta.url);
const modules = {};
const commonjs = {};
for (const name of PACKAGES) {
  modules[name] = await import(`@talkdesk-oauth/${name}`);
  commonjs[name] = require(`@talkdesk-oauth/${name}`);
}
const differing = PACKAGES.filter((name) => {
  const functions = Object.keys(modules[name]).filter((each) => typeof modules[name][each] === "function");
  return functions.length > 0 && functions.every((each) => modules[name][each] !== commonjs[name][each]);
});
console.log(differing.length === PACKAGES.length);

for (const [one, other] of [
  [modules, commonjs],
  [commonjs, modules],
]) {
  console.log((await call(one, other)).join(" "));
  console.log((await share(one, other)).join(" "));
  console.log((await logIn(one, other)).join(" "));
  console.log((await fail(one, other)).join(" "));
}

/** Calls the API with a source of one copy of core and the adapters of the other. */
async function call({ core }, others) {
  const source = core.clientCredentials(core.talkdeskClientFromEnv());
  const byFetch = await others.fetch.talkdeskFetch(source)("/users?per_page=1");
  const api = axios.create();
  api.interceptors.request.use(others.axios.talkdeskAxios(source));
  const byAxios = await api.get("/users?per_page=1");
  const agent = new Agent();
  const dispatcher = agent.compose(others.undici.talkdeskUndici(source));
  const byUndici = await request(`${source.api}/users?per_page=1`, { dispatcher });
  await byUndici.body.dump();
  await agent.close();
  return [byFetch.status, byAxios.status, byUndici.statusCode];
}

/** Shares a token between both copies of core, in a store of either, and tells whether their fingerprints of it agree. */
async function share(one, other) {
  const stores = [one.core.memoryStore(), one.sqlite.sqliteStore(new Database(":memory:"))];
  return Promise.all(
    stores.map(async (store) => {
      const fingerprints = [];
      const onEvent = ({ type, fingerprint }) =>
        void (type === "token_received" && fingerprints.push(fingerprint));
      const options = { store, key: "shared", onEvent };
      const client = one.core.talkdeskClientFromEnv();
      const first = await one.core.clientCredentials(client, options).getToken();
      const second = await other.core.clientCredentials(client, options).getToken();
      const session = other.core.userSession(client, { key: "user", token: first });
      const { value } = await session.getToken();
      const isSame = first.value === second.value && first.value === value;
      return isSame && fingerprints[0] === fingerprints[1] && fingerprints[0].length === 16;
    }),
  );
}

/**
 * Asks each framework's package for a page and for a login, with the client and the store of the other copy of core. Hono knows
 * no requests of its own other copy, so its package gets the Hono of its format.
 */
async function logIn({ core }, others) {
  const options = {
    ...loginOptions(),
    client: core.talkdeskClientFromEnv(),
    store: core.memoryStore(),
  };
  const statuses = [];

  const login = others.hono.talkdeskLogin(options);
  const { Hono } = others === modules ? honoModule : require("hono");
  const hono = new Hono();
  hono.use(others.hono.talkdesk(login.source));
  hono.route("/", login).get("/me", others.hono.requireLogin(), (c) => c.text("in"));
  hono.onError(others.hono.talkdeskErrorHandler());
  const headers = { accept: "application/json" };
  for (const path of ["/me", "/login"]) statuses.push((await hono.request(path, { headers })).status);

  const fastify = Fastify();
  fastify.setErrorHandler(others.fastify.talkdeskErrorHandler());
  const plugin = { login: others.fastify.talkdeskLogin(options), prefix: "/" };
  await fastify.register(others.fastify.talkdeskPlugin, plugin);
  fastify.get("/me", { preHandler: others.fastify.requireLogin() }, async () => "in");
  for (const url of ["/me", "/login"]) statuses.push((await fastify.inject({ url, headers })).statusCode);
  await fastify.close();

  const app = express();
  app.use(session({ secret: "a secret of the tests", resave: false, saveUninitialized: false }));
  const expressLogin = others.express.talkdeskLogin(options);
  app.use(others.express.talkdesk(expressLogin.source), expressLogin);
  app.get("/me", others.express.requireLogin(), (_request, response) => void response.send("in"));
  app.use(others.express.talkdeskErrorHandler());
  const server = createServer(app).listen(0, "127.0.0.1");
  await once(server, "listening");
  for (const path of ["/me", "/login"]) {
    const origin = `http://127.0.0.1:${server.address().port}`;
    statuses.push((await fetch(origin + path, { headers, redirect: "manual" })).status);
  }
  server.close();
  server.closeAllConnections();
  return statuses;
}

/** The error of a closed source, which both copies of core know, and the emulator of one with the core of the other. */
async function fail(one, other) {
  const talkdesk = await other.emulator.startEmulator();
  try {
    const source = one.core.clientCredentials(one.core.talkdeskClientFromEnv(talkdesk.environment()));
    const { status } = await other.fetch.talkdeskFetch(source)("/users?per_page=1");
    await source.close();
    const error = await other.fetch
      .talkdeskFetch(source)("/users")
      .catch((reason) => reason);
    const areSure = [one, other].every(({ core }) => core.isTalkdeskError(error));
    return [status, areSure, error instanceof one.core.TalkdeskError, error.code];
  } finally {
    await talkdesk.stop();
  }
}
