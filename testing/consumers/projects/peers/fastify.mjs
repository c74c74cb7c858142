import { clientCredentials, talkdeskClientFromEnv } from "@talkdesk-oauth/core";
import { talkdeskErrorHandler, talkdeskPlugin } from "@talkdesk-oauth/fastify";
import Fastify from "fastify";

const app = Fastify();
app.setErrorHandler(talkdeskErrorHandler());
await app.register(talkdeskPlugin, { source: clientCredentials(talkdeskClientFromEnv()) });
app.get("/users", async (request, reply) => {
  const users = await request.talkdesk.fetch("/users?per_page=1");
  return reply.code(users.status).send(await users.json());
});

const { statusCode } = await app.inject("/users");
console.log(statusCode);
await app.close();
