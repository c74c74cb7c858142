// Logs in to an app of each framework and out again, over one store, and prints what the apps answered.
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import { encryptedStore, type TokenStore, talkdeskClientFromEnv } from "@talkdesk-oauth/core";
import * as forFastify from "@talkdesk-oauth/fastify";
import * as forHono from "@talkdesk-oauth/hono";
import type { SignedInUser } from "@talkdesk-oauth/login";
import { sqliteStore } from "@talkdesk-oauth/sqlite";
import Fastify from "fastify";
import { Hono } from "hono";
import Database from "libsql";

/** The client knows this address. The apps listen elsewhere. */
const publicOrigin = "http://localhost:3000";

const optionsOver = (store: TokenStore) => ({
  client: talkdeskClientFromEnv(),
  redirectUri: `${publicOrigin}/callback`,
  scope: ["openid", "refresh_token", "users:read"],
  store,
  contact: "help@example.com",
});

interface App {
  readonly port: number;
  close(): Promise<unknown> | unknown;
}

async function openHonoApp(store: TokenStore): Promise<App> {
  const login: forHono.TalkdeskLogin = forHono.talkdeskLogin(optionsOver(store));
  const app = new Hono();
  app.use(forHono.talkdesk(login.source));
  app.route("/", login);
  app.get("/me", forHono.requireLogin(), async (c) => {
    const user: SignedInUser | undefined = await login.user(c);
    const { status } = await c.get("talkdesk").fetch("/users/me");
    return c.json({ sub: user?.sub, status });
  });
  app.onError(forHono.talkdeskErrorHandler());
  const server = serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 });
  await once(server, "listening");
  return { port: (server.address() as AddressInfo).port, close: () => server.close() };
}

async function openFastifyApp(store: TokenStore): Promise<App> {
  const login: forFastify.TalkdeskLogin = forFastify.talkdeskLogin(optionsOver(store));
  const app = Fastify();
  app.setErrorHandler(forFastify.talkdeskErrorHandler());
  await app.register(forFastify.talkdeskPlugin, { login, prefix: "/" });
  app.get("/me", { preHandler: forFastify.requireLogin() }, async (request) => {
    const user: SignedInUser | undefined = await login.user(request);
    const { status } = await request.talkdesk.fetch("/users/me");
    return { sub: user?.sub, status };
  });
  await app.listen({ host: "127.0.0.1", port: 0 });
  return { port: (app.server.address() as AddressInfo).port, close: () => app.close() };
}

/** Goes through a login and a logout. */
async function tryLogin({ port }: App): Promise<string> {
  let cookie = "";
  async function visit(path: string, method = "GET"): Promise<Response> {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      headers: { cookie, accept: "application/json" },
      redirect: "manual",
    });
    cookie = answer.headers.get("set-cookie")?.split(";")[0] ?? cookie;
    return answer;
  }
  const stranger = await visit("/me");
  const begun = await visit("/login");
  const back = await fetch(begun.headers.get("location") ?? "", { redirect: "manual" });
  const done = await visit((back.headers.get("location") ?? "").slice(publicOrigin.length));
  const page = await visit("/me");
  const { status } = (await page.json()) as { readonly status: number };
  const left = await visit("/logout", "POST");
  const afterwards = await visit("/me");
  return [stranger, begun, done, page, { status }, left, afterwards].map((answer) => answer.status).join(" ");
}

async function main(): Promise<void> {
  const database = new Database(":memory:");
  const store = encryptedStore(sqliteStore(database), process.env["CONSUMER_STORE_SECRET"] ?? "");
  for (const open of [openHonoApp, openFastifyApp]) {
    const app = await open(store);
    console.log(await tryLogin(app));
    await app.close();
  }
  database.close();
}

void main();
