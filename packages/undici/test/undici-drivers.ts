import { Readable } from "node:stream";
import {
  type AdapterSetup,
  describeAdapter,
  type PlainRequest,
  type Send,
} from "@talkdesk-oauth/conformance";
import { talkdeskUndici } from "@talkdesk-oauth/undici";
import type { Agent, Dispatcher } from "undici";

/** The module that clients come from: undici 7, or 8. */
export type Undici = typeof import("undici");

type Compose = (agent: Agent, authorized: Dispatcher.DispatcherComposeInterceptor) => Dispatcher;
type AnyFetch = (url: string, init: object) => Promise<Response>;

/** What undici.request, and a fetch on its dispatchers, have in common. */
const common = {
  // A dispatcher is given an origin.
  relativeUrls: false,
  limitsConnections: true,
} as const;

const ofRequest = {
  ...common,
  // undici.request takes no URLSearchParams.
  bodies: ["string", "bytes", "multipart", "blob", "stream", "iterable"],
  // It drops the user of a URL before a dispatcher sees it.
  keepsUrlUsers: false,
} as const;

const ofFetch = {
  ...common,
  // fetch hands every body to its dispatcher as a stream.
  replayable: [],
} as const;

/** Runs the suite on everything that an Agent of this undici is the dispatcher of. */
export function describeUndici(undici: Undici, name: string): void {
  const redirect = undici.interceptors.redirect({ maxRedirections: 5 });
  const compositions: Record<string, Compose> = {
    "redirects outside": (agent, authorized) => agent.compose(authorized, redirect),
    "redirects inside": (agent, authorized) => agent.compose(redirect, authorized),
    "among dns, retry and redirect": (agent, authorized) =>
      agent.compose(
        undici.interceptors.dns(),
        undici.interceptors.retry({ statusCodes: [], errorCodes: [] }),
        authorized,
        redirect,
      ),
  };
  for (const [order, compose] of Object.entries(compositions)) {
    const driver = (setup: AdapterSetup): Send => driveRequest(undici, setup, compose);
    describeAdapter(`request of ${name}, ${order}`, driver, ofRequest);
  }
  describeAdapter(`fetch of ${name}`, (setup) => driveOwnFetch(undici, setup), ofFetch);
}

/** Runs the suite on Node's own fetch with an Agent of this undici. */
export function describeGlobalFetch(undici: Undici, name: string): void {
  describeAdapter(
    `the global fetch with an Agent of ${name}`,
    (setup) => driveFetch(undici, setup, fetch as AnyFetch, (body) => body.value),
    ofFetch,
  );
}

/** An Agent, and the dispatcher that is composed of it and the adapter. */
export function composed(
  undici: Undici,
  { source, origins, connections }: AdapterSetup,
  compose: Compose,
): [Agent, Dispatcher] {
  const agent = new undici.Agent({ connections: connections ?? null });
  return [agent, compose(agent, talkdeskUndici(source, origins === undefined ? {} : { origins }))];
}

function driveRequest(undici: Undici, setup: AdapterSetup, compose: Compose): Send {
  const [agent, dispatcher] = composed(undici, setup, compose);
  const send = async ({ url, method = "GET", headers, body, signal }: PlainRequest) => {
    const response = await undici.request(url, {
      dispatcher,
      method: method as Dispatcher.HttpMethod,
      headers: { ...headers },
      // It takes Node's streams, not those of the web.
      body: (body?.kind === "stream" ? Readable.from(body.value) : (body?.value ?? null)) as Buffer | null,
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

function driveOwnFetch(undici: Undici, setup: AdapterSetup): Send {
  return driveFetch(undici, setup, undici.fetch as unknown as AnyFetch, (body) => {
    if (body.kind !== "multipart") return body.value;
    // It knows its own FormData alone.
    const form = new undici.FormData();
    for (const [name, value] of body.value) {
      if (typeof value === "string") form.append(name, value);
      else form.append(name, value, value.name);
    }
    return form;
  });
}

function driveFetch(
  undici: Undici,
  setup: AdapterSetup,
  fetch: AnyFetch,
  bodyOf: (body: NonNullable<PlainRequest["body"]>) => unknown,
): Send {
  const [agent, dispatcher] = composed(undici, setup, (made, authorized) => made.compose(authorized));
  const send = async ({ url, body, ...init }: PlainRequest) => {
    const response = await fetch(url, {
      ...init,
      ...(body && { body: bodyOf(body), duplex: "half" }),
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
