import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import {
  clientCredentials,
  finishAuthorization,
  type PendingAuthorization,
  startAuthorization,
  talkdeskClientFromEnv,
  userSession,
} from "@talkdesk-oauth/core";
import { talkdeskFetch } from "@talkdesk-oauth/fetch";
import { callWhenTold } from "./call-when-told.js";
import { APP_KEY, openStore, USER_KEY } from "./open-store.js";

const client = talkdeskClientFromEnv();
const store = await openStore(process.env);
const session = userSession(client, { store, key: USER_KEY });

const asApp = talkdeskFetch(clientCredentials(client, { store, key: APP_KEY }));
const asUser = talkdeskFetch(session);

const server = createServer().listen(0, "127.0.0.1");
await once(server, "listening");
const origin = `http://localhost:${(server.address() as AddressInfo).port}`;
let pending: PendingAuthorization | undefined;

// One user signs in, once. A web app with many users has talkdeskLogin for this.
server.on("request", async (request, response) => {
  try {
    const url = new URL(request.url ?? "/", origin);
    if (url.pathname === "/login") {
      pending = await startAuthorization(client, { redirectUri: `${origin}/callback` });
      response.writeHead(302, { location: pending.url }).end();
    } else if (url.pathname === "/callback" && pending !== undefined) {
      const begun = pending;
      pending = undefined;
      const { token } = await finishAuthorization(client, url, begun);
      await session.start(token);
      response.end(await (await asUser("/users/me")).text());
    } else if (url.pathname === "/logout" && request.method === "POST") {
      await session.end();
      response.end();
    } else {
      response.writeHead(404).end();
    }
  } catch (error) {
    response.writeHead(500).end(String(error));
  }
});

callWhenTold(asApp, asUser, origin);
