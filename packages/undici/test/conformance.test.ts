import { Readable } from "node:stream";
import {
  type AdapterSetup,
  describeAdapter,
  type PlainRequest,
  type Send,
} from "@talkdesk-oauth/conformance";
import { talkdeskUndici } from "@talkdesk-oauth/undici";
import { Agent, type Dispatcher, interceptors, fetch as undiciFetch, request as undiciRequest } from "undici";

type Compose = (agent: Agent, authorized: Dispatcher.DispatcherComposeInterceptor) => Dispatcher;

const redirect = interceptors.redirect({ maxRedirections: 5 });
const outside: Compose = (agent, authorized) => agent.compose(authorized, redirect);
const inside: Compose = (agent, authorized) => agent.compose(redirect, authorized);

function composed({ source, origins, connections }: AdapterSetup, compose: Compose): [Agent, Dispatcher] {
  const agent = new Agent({ connections: connections ?? null });
  return [agent, compose(agent, talkdeskUndici(source, origins === undefined ? {} : { origins }))];
}

/** undici.request takes Node's streams, not those of the web. */
function bodyOf(body: PlainRequest["body"]): Dispatcher.DispatchOptions["body"] {
  if (body === undefined) return null;
  return (
    body.kind === "stream" ? Readable.from(body.value) : body.value
  ) as Dispatcher.DispatchOptions["body"] & {};
}

function driveRequest(setup: AdapterSetup, compose: Compose): Send {
  const [agent, dispatcher] = composed(setup, compose);
  const send = async ({ url, method = "GET", headers, body, signal }: PlainRequest) => {
    const response = await undiciRequest(url, {
      dispatcher,
      method: method as Dispatcher.HttpMethod,
      headers: { ...headers },
      body: bodyOf(body) ?? null,
      signal: signal ?? null,
    });
    const plain = Object.entries(response.headers).map(([name, value]) => [name, String(value)]);
    return {
      status: response.statusCode,
      headers: Object.fromEntries(plain),
      text: () => response.body.text(),
    };
  };
  return Object.assign(send, { close: () => agent.destroy() });
}

type AnyFetch = (url: string, init: object) => Promise<Response>;

function driveFetch(setup: AdapterSetup, fetch: AnyFetch): Send {
  const [agent, dispatcher] = composed(setup, (made, authorized) => made.compose(authorized));
  const send = async ({ url, body, ...init }: PlainRequest) => {
    const response = await fetch(url, {
      ...init,
      ...(body && { body: body.value, duplex: "half" }),
      dispatcher,
    });
    return {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      text: () => response.text(),
    };
  };
  return Object.assign(send, { close: () => agent.destroy() });
}

const ofRequest = {
  // A dispatcher is given an origin.
  relativeUrls: false,
  // undici.request does not take it.
  bodies: ["string", "bytes", "multipart", "blob", "stream", "iterable"],
  limitsConnections: true,
} as const;

describeAdapter("undici.request, redirects outside", (setup) => driveRequest(setup, outside), ofRequest);
describeAdapter("undici.request, redirects inside", (setup) => driveRequest(setup, inside), ofRequest);
describeAdapter(
  "undici.request, with retry, dns, dump and redirect",
  (setup) =>
    driveRequest(setup, (agent, authorized) =>
      agent.compose(interceptors.dns(), interceptors.retry({ statusCodes: [] }), authorized, redirect),
    ),
  ofRequest,
);

const ofFetch = {
  relativeUrls: false,
  // fetch hands every body to its dispatcher as a stream.
  replayable: [],
  limitsConnections: true,
} as const;

describeAdapter("undici.fetch", (setup) => driveFetch(setup, undiciFetch as unknown as AnyFetch), ofFetch);
describeAdapter(
  "the global fetch with a dispatcher",
  (setup) => driveFetch(setup, fetch as AnyFetch),
  ofFetch,
);
