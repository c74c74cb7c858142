import { requireLogin, talkdeskErrorHandler, talkdeskLogin, talkdeskPlugin } from "@talkdesk-oauth/fastify";
import Fastify from "fastify";
import { loginOptions, printLogin } from "./log-in.mjs";

const login = talkdeskLogin(loginOptions());
const app = Fastify({ forceCloseConnections: true });
app.setErrorHandler(talkdeskErrorHandler());
await app.register(talkdeskPlugin, { login, prefix: "/" });
app.get("/me", { preHandler: requireLogin() }, async (request) => {
  const { status } = await request.talkdesk.fetch("/users/me");
  return { status };
});
await app.listen({ host: "127.0.0.1", port: 0 });
await printLogin(app.server.address().port);
await app.close();
