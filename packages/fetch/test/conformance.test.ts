import {
  type AdapterSetup,
  type AdapterStacks,
  describeAdapter,
  type Send,
} from "@talkdesk-oauth/conformance";
import { talkdeskFetch } from "@talkdesk-oauth/fetch";
import { Agent, type Dispatcher, interceptors, Pool, ProxyAgent, fetch as undiciFetch } from "undici";

type Fetch = typeof globalThis.fetch;

/** Translates between the suite and a fetch. */
function sendBy(fetch: Fetch): Send {
  return async ({ url, body, ...init }) => {
    const response = await fetch(
      url,
      Object.freeze({
        ...init,
        ...(body !== undefined && { body: body.value as NonNullable<RequestInit["body"]>, duplex: "half" }),
      }),
    );
    return {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      text: () => response.text(),
    };
  };
}

function driver({ source, origins }: AdapterSetup, beneath?: Fetch): Send {
  return sendBy(talkdeskFetch(source, { origins, fetch: beneath }));
}

/** Makes a fetch of undici's that uses this dispatcher. */
const fetchOn = (dispatcher: Dispatcher): Fetch =>
  ((input: string, init: object) => undiciFetch(input, { ...init, dispatcher })) as Fetch;

/** A fetch that rejects for statuses, with an error that has the response. */
const throwingFetch: Fetch = async (input, init) => {
  const response = await fetch(input, init);
  if (response.ok) return response;
  throw Object.assign(new Error(`The answer was ${response.status}.`), { response });
};

/** Makes a client that sends each request with this option. */
function detour({ source }: AdapterSetup, option: object, close: () => Promise<void> = async () => {}): Send {
  const authorized = talkdeskFetch(source);
  return Object.assign(
    sendBy((input, init) => authorized(input, { ...init, ...option })),
    { close },
  );
}

function throughDispatcher(setup: AdapterSetup, dispatcher: Dispatcher): Send {
  return detour(setup, { dispatcher }, () => dispatcher.destroy());
}

/** Makes two clients over one Agent with this layer. */
function overOne(
  layer: Dispatcher.DispatcherComposeInterceptor,
  [alice, bob]: readonly [AdapterSetup, AdapterSetup],
): readonly [Send, Send] {
  const agent = new Agent();
  const beneath = fetchOn(agent.compose(layer));
  const client = (setup: AdapterSetup): Send =>
    Object.assign(driver(setup, beneath), { close: () => agent.destroy() });
  return [client(alice), client(bob)];
}

const stacks: AdapterStacks = {
  alone: () => sendBy(globalThis.fetch),
  throwing: {
    "a fetch that throws the response": (setup) => driver(setup, throwingFetch),
    "undici's responseError()": (setup) => {
      const agent = new Agent();
      const beneath = fetchOn(agent.compose(interceptors.responseError()));
      return Object.assign(driver(setup, beneath), { close: () => agent.destroy() });
    },
  },
  detours: {
    "a Pool of another origin": (setup, { origin }) => throughDispatcher(setup, new Pool(origin)),
    "a composed Pool of another origin": (setup, { origin }) =>
      throughDispatcher(setup, new Pool(origin).compose(interceptors.dump())),
    "an Agent on a socket": (setup, { socketPath }) =>
      throughDispatcher(setup, new Agent({ connect: { socketPath } })),
    "a proxy in the clear": (setup, { origin }) => throughDispatcher(setup, new ProxyAgent(origin)),
  },
  // No adapter of fetch can keep users apart beneath such a layer: see the README.
  sharing: {
    "undici's cache() beneath": (setups) => overOne(interceptors.cache(), setups),
    "undici's deduplicate() beneath": (setups) => overOne(interceptors.deduplicate(), setups),
  },
};

describeAdapter(
  "the global fetch",
  (setup) => driver(setup),
  // A response reports only where a chain of redirects ended.
  { seesHops: false },
  stacks,
);

describeAdapter(
  "the fetch of undici, with a new Agent",
  ({ connections, ...setup }) => {
    const dispatcher = new Agent({ connections: connections ?? null });
    return Object.assign(driver(setup, fetchOn(dispatcher)), { close: () => dispatcher.destroy() });
  },
  // By the Agent's option `connections`.
  { limitsConnections: true, seesHops: false },
);
