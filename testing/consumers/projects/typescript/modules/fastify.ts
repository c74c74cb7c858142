import {
  requireLogin,
  type TalkdeskLogin,
  talkdeskErrorHandler,
  talkdeskLogin,
  talkdeskPlugin,
} from "@talkdesk-oauth/fastify";
import Fastify, { type FastifyInstance } from "fastify";
import { client, store } from "./core.js";

const login: TalkdeskLogin = talkdeskLogin({
  client: (request) => (request.hostname === "app.example.com" ? client : client),
  redirectUri: "https://app.example.com/auth/callback",
  store,
  contact: "help@example.com",
});

export async function makeApp(): Promise<FastifyInstance> {
  const app = Fastify();
  app.setErrorHandler(talkdeskErrorHandler({ login: "/auth/login" }));
  await app.register(talkdeskPlugin, { login, prefix: "/auth" });
  app.get("/contacts", { preHandler: requireLogin() }, async (request, reply) => {
    const contacts = await request.talkdesk.fetch("/contacts");
    return reply.code(contacts.status).send(await contacts.json());
  });
  return app;
}
