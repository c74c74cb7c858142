import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import {
  type AccessToken,
  clientCredentials,
  memoryStore,
  type TokenSource,
  talkdeskClientFromEnv,
} from "@talkdesk-oauth/core";
import {
  type RequestTalkdesk,
  requireLogin,
  type SignedInUser,
  type TalkdeskLogin,
  talkdesk,
  talkdeskErrorHandler,
  talkdeskLogin,
} from "@talkdesk-oauth/express";
import express, { type Request } from "express";
import session from "express-session";

const client = talkdeskClientFromEnv();
const source: TokenSource & { close(): Promise<void> } = clientCredentials(client);
const login: TalkdeskLogin = talkdeskLogin({
  client: (request: Request) => {
    request.session.touch();
    return client;
  },
  redirectUri: "http://localhost/auth/callback",
  store: memoryStore(),
  contact: "help@example.com",
});

const app = express();
app.get("/users", talkdesk(source), (request, response, next) => {
  const { talkdesk: ofRequest }: { talkdesk: RequestTalkdesk } = request;
  ofRequest
    .getToken()
    .then((token: AccessToken) => ofRequest.fetch(`/users?per_page=1&type=${token.type}`))
    .then((answer) => answer.json())
    .then((page) => response.json(page))
    .catch(next);
});
app.use(session({ secret: "a secret of the tests", resave: false, saveUninitialized: false }));
app.use(talkdesk(login.source));
app.use("/auth", login);
app.get("/me", requireLogin({ login: "/auth/login" }), async (request, response) => {
  const user: SignedInUser | undefined = await login.user(request);
  response.json({ user, api: request.talkdesk.source.api });
});
app.use(talkdeskErrorHandler());

async function main(): Promise<void> {
  const server = createServer(app).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const statusOf = async (path: string): Promise<number> =>
    (await fetch(`http://127.0.0.1:${port}${path}`, { redirect: "manual" })).status;
  const statuses = [await statusOf("/users"), await statusOf("/me"), await statusOf("/auth/login")];
  await source.close();
  statuses.push(await statusOf("/users"));
  console.log(statuses.join(" "));
  server.close();
  server.closeAllConnections();
}

void main();
