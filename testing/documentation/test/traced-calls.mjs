// Makes calls with each client while the process is traced, and prints the spans. opentelemetry.test.ts runs it.
import { once } from "node:events";
import { get } from "node:http";
import { trace } from "@opentelemetry/api";
import { talkdeskAxios } from "@talkdesk-oauth/axios";
import { clientCredentials, talkdeskClientFromEnv } from "@talkdesk-oauth/core";
import { talkdesk } from "@talkdesk-oauth/express";
import { talkdeskFetch } from "@talkdesk-oauth/fetch";
import { talkdeskUndici } from "@talkdesk-oauth/undici";
import axios from "axios";
import express from "express";
import { Agent, request } from "undici";

/** How far the clock of the sources is ahead. */
let aheadMs = 0;
const clock = {
  now: () => Date.now() + aheadMs,
  monotonic: () => performance.now() + aheadMs,
  setTimeout: (callback, delayMs) => setTimeout(callback, delayMs),
  clearTimeout: (timer) => clearTimeout(timer),
};
const client = talkdeskClientFromEnv(process.env, { clock, random: () => 0 });
const { api } = client.endpoints;

const clients = {
  fetch(source) {
    const send = talkdeskFetch(source);
    return async (path) => (await send(path)).text();
  },
  axios(source) {
    const instance = axios.create();
    instance.interceptors.request.use(talkdeskAxios(source));
    return async (path) => (await instance.get(path)).data;
  },
  undici(source) {
    const dispatcher = new Agent().compose(talkdeskUndici(source));
    return async (path) => (await request(api + path, { dispatcher })).body.text();
  },
};

/** Calls in a span, which must still be the active one afterwards. */
const inSpan = (name, call) =>
  trace.getTracer("test").startActiveSpan(name, async (span) => {
    await call();
    span.setAttribute("test.kept", trace.getActiveSpan() === span);
    span.end();
  });

const secrets = [process.env.TALKDESK_CLIENT_SECRET];
for (const [name, connect] of Object.entries(clients)) {
  const newcomers = connect(clientCredentials(client));
  await Promise.all(
    [1, 2, 3].map((caller) =>
      inSpan(`${name} herd ${caller}`, () => newcomers(`/contacts?caller=${name}-${caller}`)),
    ),
  );
  const source = clientCredentials(client);
  const call = connect(source);
  secrets.push((await source.getToken()).value);
  await Promise.all(
    [1, 2].map((caller) =>
      inSpan(`${name} refused ${caller}`, () => call(`/contacts?refuse=${name}-${caller}`)),
    ),
  );
  secrets.push((await source.getToken()).value);
}

let isRenewed;
const renewal = new Promise((resolve) => {
  isRenewed = resolve;
});
const source = clientCredentials(client, {
  onEvent: ({ type }) => type === "token_received" && aheadMs > 0 && isRenewed(),
});
const send = talkdeskFetch(source);
await source.getToken();
aheadMs = 560_000;
await inSpan("renewal ahead", async () => (await send("/contacts?caller=ahead")).text());
await renewal;
aheadMs = 0;

const app = express();
app.use(talkdesk(clientCredentials(client)));
app.get("/list", async (request, response) => {
  response.json(await (await request.talkdesk.fetch("/contacts?caller=express")).json());
});
const server = app.listen(0, "127.0.0.1");
await once(server, "listening");
const [answer] = await once(get({ port: server.address().port, path: "/list", agent: false }), "response");
await once(answer.resume(), "end");
await once(server.close(), "close");

const { finishedSpans, recorded } = globalThis;
const spans = finishedSpans.map((span) => ({
  name: span.name,
  kind: span.kind,
  attributes: span.attributes,
  events: span.events,
  id: span.spanContext().spanId,
  traceId: span.spanContext().traceId,
  parentId: span.parentSpanContext?.spanId,
}));
console.log(JSON.stringify({ spans, secrets, recorded }));
