import { once } from "node:events";
import { clientCredentials, talkdeskClientFromEnv } from "@talkdesk-oauth/core";
import { talkdesk, talkdeskErrorHandler } from "@talkdesk-oauth/express";
import express from "express";

const app = express();
app.use(talkdesk(clientCredentials(talkdeskClientFromEnv())));
app.get("/users", (request, response, next) => {
  request.talkdesk
    .fetch("/users?per_page=1")
    .then(({ status }) => response.sendStatus(status))
    .catch(next);
});
app.use(talkdeskErrorHandler());

const server = app.listen(0, "127.0.0.1");
await once(server, "listening");
const { status } = await fetch(`http://127.0.0.1:${server.address().port}/users`);
console.log(status);
server.close();
server.closeAllConnections();
