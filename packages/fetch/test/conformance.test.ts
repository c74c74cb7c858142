import {
  type AdapterSetup,
  type AdapterStacks,
  describeAdapter,
  type Send,
} from "@talkdesk-oauth/conformance";
import { talkdeskFetch } from "@talkdesk-oauth/fetch";
import { Agent, type Dispatcher, interceptors, Pool, ProxyAgent, fetch as undiciFetch } from "undici";

type Fetch = typeof globalThis.fetch;

/** A fetch in the words of the suite. */
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
  return sendBy(
    talkdeskFetch(source, {
      ...(origins !== undefined && { origins }),
      ...(beneath !== undefined && { fetch: beneath }),
    }),
  );
}

/** undici's fetch on a dispatcher of its own. */
const fetchOn = (dispatcher: Dispatcher): Fetch =>
  ((input: string, init: object) => undiciFetch(input, { ...init, dispatcher })) as Fetch;

/** A fetch that rejects for statuses, with an error that knows the response. */
const throwingFetch: Fetch = async (input, init) => {
  const response = await fetch(input, init);
  if (response.ok) return response;
  throw Object.assign(new Error(`The answer was ${response.status}.`), { response });
};

/** A client whose every request is sent with this option. */
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

/** Two clients over one Agent with this layer. */
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
  // Above, nothing that an adapter of fetch can do keeps users apart: its README says so.
  sharing: {
    "undici's cache() beneath": (setups) => overOne(interceptors.cache(), setups),
    "undici's deduplicate() beneath": (setups) => overOne(interceptors.deduplicate(), setups),
  },
};

describeAdapter(
  "the global fetch",
  (setup) => driver(setup),
  // It tells where a chain of redirects ended, and not where it has been.
  { seesHops: false },
  stacks,
);

describeAdapter(
  "the fetch of undici, with an Agent of its own",
  ({ connections, ...setup }) => {
    const dispatcher = new Agent({ connections: connections ?? null });
    return Object.assign(driver(setup, fetchOn(dispatcher)), { close: () => dispatcher.destroy() });
  },
  // The Agent's own option.
  { limitsConnections: true, seesHops: false },
);
