import { once } from "node:events";
import { serve } from "@hono/node-server";
import { requireLogin, talkdesk, talkdeskErrorHandler, talkdeskLogin } from "@talkdesk-oauth/hono";
import { Hono } from "hono";
import { loginOptions, printLogin } from "./log-in.mjs";

const login = talkdeskLogin(loginOptions());
const app = new Hono();
app.use(talkdesk(login.source));
app.route("/", login);
app.get("/me", requireLogin(), async (c) => {
  const { status } = await c.get("talkdesk").fetch("/users/me");
  return c.json({ status });
});
app.onError(talkdeskErrorHandler());

if (globalThis.Bun) {
  const server = Bun.serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 });
  await printLogin(server.port);
  await server.stop(true);
} else if (globalThis.Deno) {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, app.fetch);
  await printLogin(server.addr.port);
  await server.shutdown();
} else {
  const server = serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 });
  await once(server, "listening");
  await printLogin(server.address().port);
  server.close();
  server.closeAllConnections();
}
