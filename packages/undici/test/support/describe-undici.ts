import { Readable } from "node:stream";
import {
  type AdapterSetup,
  type AdapterStacks,
  describeAdapter,
  type PlainRequest,
  type Send,
} from "@talkdesk-oauth/conformance";
import { talkdeskUndici } from "@talkdesk-oauth/undici";
import type { Agent, Dispatcher } from "undici";

/** The module `undici`, of version 7 or 8. */
export type Undici = typeof import("undici");

type Order = (agent: Agent, authorized: Dispatcher.DispatcherComposeInterceptor) => Dispatcher;
type AnyFetch = (url: string, init: object) => Promise<Response>;

/** The capabilities of `undici.request` and of every fetch on a dispatcher. */
const common = {
  // A dispatcher needs an origin.
  relativeUrls: false,
  limitsConnections: true,
} as const;

const ofRequest = {
  ...common,
  // undici.request accepts no URLSearchParams.
  bodies: ["string", "bytes", "multipart", "blob", "stream", "iterable"],
  // undici.request drops the user of a URL before a dispatcher sees it.
  keepsUrlUsers: false,
} as const;

const ofFetch = {
  ...common,
  // A fetch hands every body to its dispatcher as a stream.
  replayable: [],
} as const;

/** Runs the suite on `request` and `fetch` of this undici, with an Agent as their dispatcher. */
export function describeUndici(undici: Undici, name: string): void {
  const redirect = undici.interceptors.redirect({ maxRedirections: 5 });
  const orders: Record<string, Order> = {
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
  for (const [place, order] of Object.entries(orders)) {
    const driver = (setup: AdapterSetup): Send => driveRequest(undici, setup, order);
    describeAdapter(`request of ${name}, ${place}`, driver, ofRequest, stacksOf(undici));
  }
  describeAdapter(`fetch of ${name}`, (setup) => driveOwnFetch(undici, setup), ofFetch);
}

function stacksOf(undici: Undici): AdapterStacks {
  const { interceptors } = undici;
  const over =
    (order: Order) =>
    (setup: AdapterSetup): Send =>
      driveRequest(undici, setup, order);
  const overDispatcher = ({ source }: AdapterSetup, dispatcher: Dispatcher): Send =>
    sendBy(undici, dispatcher.compose(talkdeskUndici(source)), () => dispatcher.destroy());
  /** Makes the clients of two users over one layer. */
  const sharing =
    (make: () => Dispatcher.DispatcherComposeInterceptor, place: (layer: never, ours: never) => never[]) =>
    (setups: readonly [AdapterSetup, AdapterSetup]): readonly [Send, Send] => {
      const layer = make();
      return setups.map(over((agent, ours) => agent.compose(place(layer as never, ours as never)))) as [
        Send,
        Send,
      ];
    };
  const cache = () => interceptors.cache();
  const deduplicate = () => interceptors.deduplicate();
  const retry = interceptors.retry() as never;

  return {
    alone: ({ connections }) => {
      const agent = new undici.Agent({ connections: connections ?? null });
      return sendBy(undici, agent, () => agent.destroy());
    },
    throwing: {
      "responseError()": over((agent, ours) => agent.compose(interceptors.responseError(), ours)),
      "retry() with 401": over((agent, ours) =>
        agent.compose(
          interceptors.retry({ statusCodes: [401, 403, 500], maxRetries: 0, minTimeout: 1 }),
          ours,
        ),
      ),
    },
    detours: {
      "a Pool of another origin": (setup, { origin }) => overDispatcher(setup, new undici.Pool(origin)),
      "a Client of another origin": (setup, { origin }) => overDispatcher(setup, new undici.Client(origin)),
      "a BalancedPool of another origin": (setup, { origin }) =>
        overDispatcher(setup, new undici.BalancedPool(origin)),
      "an Agent on a socket": (setup, { socketPath }) =>
        overDispatcher(setup, new undici.Agent({ connect: { socketPath } })),
      "the tunnel of a proxy": (setup, { origin }) =>
        overDispatcher(setup, new undici.ProxyAgent({ uri: origin, proxyTunnel: true })),
      "a proxy without a tunnel": (setup, { origin }) =>
        overDispatcher(setup, new undici.ProxyAgent({ uri: origin, proxyTunnel: false })),
      "a proxy from the environment": (setup, { origin }) =>
        overDispatcher(setup, new undici.EnvHttpProxyAgent({ httpProxy: origin, noProxy: "" })),
    },
    sharing: {
      "a cache above": sharing(cache, (layer, ours) => [ours, layer]),
      "a cache above, and retry between": sharing(cache, (layer, ours) => [ours, retry, layer]),
      "a cache beneath": sharing(cache, (layer, ours) => [layer, ours]),
      "a deduplicator above": sharing(deduplicate, (layer, ours) => [ours, layer]),
      "a deduplicator above, and retry between": sharing(deduplicate, (layer, ours) => [ours, retry, layer]),
      "a deduplicator beneath": sharing(deduplicate, (layer, ours) => [layer, ours]),
    },
  };
}

/** Runs the suite on Node's own fetch, with an Agent of this undici as its dispatcher. */
export function describeGlobalFetch(undici: Undici, name: string): void {
  describeAdapter(
    `the global fetch with an Agent of ${name}`,
    (setup) => driveFetch(undici, setup, fetch as AnyFetch, (body) => body.value),
    ofFetch,
  );
}

/** Makes an Agent, and composes a dispatcher of it and the adapter. */
export function compose(
  undici: Undici,
  { source, origins, connections }: AdapterSetup,
  order: Order,
): [Agent, Dispatcher] {
  const agent = new undici.Agent({ connections: connections ?? null });
  return [agent, order(agent, talkdeskUndici(source, { origins }))];
}

function driveRequest(undici: Undici, setup: AdapterSetup, order: Order): Send {
  const [agent, dispatcher] = compose(undici, setup, order);
  return sendBy(undici, dispatcher, () => agent.destroy());
}

function sendBy(undici: Undici, dispatcher: Dispatcher, close: () => Promise<void>): Send {
  const send = async ({ url, method = "GET", headers, body, signal }: PlainRequest) => {
    const response = await undici.request(url, {
      dispatcher,
      method: method as Dispatcher.HttpMethod,
      headers: { ...headers },
      // undici.request accepts Node's streams, not those of the web.
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
  return Object.assign(send, { close });
}

function driveOwnFetch(undici: Undici, setup: AdapterSetup): Send {
  return driveFetch(undici, setup, undici.fetch as unknown as AnyFetch, (body) => {
    if (body.kind !== "multipart") return body.value;
    // The fetch of undici accepts only undici's FormData.
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
  const [agent, dispatcher] = compose(undici, setup, (made, authorized) => made.compose(authorized));
  const send = async ({ url, body, ...init }: PlainRequest) => {
    const response = await fetch(url as string, {
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
