import { Agent } from "node:http";
import { Readable } from "node:stream";
import { talkdeskAxios } from "@talkdesk-oauth/axios";
import {
  type AdapterCapabilities,
  type AdapterDriver,
  type AdapterSetup,
  type AdapterStacks,
  describeAdapter,
  type Elsewhere,
  type PlainRequest,
  type Send,
} from "@talkdesk-oauth/conformance";
import axios, { type AxiosInstance, type AxiosRequestConfig, type CreateAxiosDefaults } from "axios";
import { buildMemoryStorage, setupCache } from "axios-cache-interceptor";
import { Agent as DispatcherAgent, Pool, ProxyAgent } from "undici";

type AxiosAdapterName = "http" | "fetch";

/** Converts a stream: the adapter `http` accepts Node's, `fetch` those of the web. */
function dataOf(body: PlainRequest["body"], adapter: AxiosAdapterName): unknown {
  if (body?.kind !== "stream" && body?.kind !== "iterable") return body?.value;
  return adapter === "http" ? Readable.from(body.value) : ReadableStream.from(body.value);
}

/** The header that `postForm` sets too. Without it, the adapter `fetch` sends a form with another type in Node. */
function typeOf(body: PlainRequest["body"]): Record<string, string> {
  const isForm = body?.kind === "foreign" && String(body.value) === "[object FormData]";
  return isForm ? { "content-type": "multipart/form-data" } : {};
}

/** Translates between the suite and an instance. */
function sendBy(api: AxiosInstance, adapter: AxiosAdapterName): Send {
  return async ({ url, method = "GET", headers, body, signal }: PlainRequest) => {
    const response = await api.request({
      url: url as string,
      method,
      headers: { ...typeOf(body), ...headers },
      data: dataOf(body, adapter),
      ...(signal !== undefined && { signal }),
    });
    const plain = Object.entries(response.headers).map(([name, value]) => [
      name.toLowerCase(),
      String(value),
    ]);
    return { status: response.status, headers: Object.fromEntries(plain), text: async () => response.data };
  };
}

function bareInstance(adapter: AxiosAdapterName, defaults: CreateAxiosDefaults = {}): AxiosInstance {
  return axios.create({ adapter, validateStatus: null, responseType: "text", maxRedirects: 5, ...defaults });
}

function authorize(api: AxiosInstance, { source, origins }: AdapterSetup): void {
  api.interceptors.request.use(talkdeskAxios(source, { origins }));
}

function axiosDriver(adapter: AxiosAdapterName, defaults: CreateAxiosDefaults = {}): AdapterDriver {
  return (setup) => {
    // Only for tests about connections; others use the default agent.
    const httpAgent =
      setup.connections === undefined
        ? undefined
        : new Agent({ keepAlive: true, maxSockets: setup.connections });
    const api = bareInstance(adapter, { ...(httpAgent && { httpAgent }), ...defaults });
    authorize(api, setup);
    return Object.assign(sendBy(api, adapter), { close: async () => httpAgent?.destroy() });
  };
}

// axios resolves with the whole body, and rejects aborted requests with its own error.
const both = { streamsResponses: false, abortErrorName: "CanceledError" } as const;

const capabilities: Readonly<Record<AxiosAdapterName, AdapterCapabilities>> = {
  http: { ...both, limitsConnections: true },
  // A response reports only where a chain of redirects ended.
  fetch: { ...both, seesHops: false },
};

type Detour = (elsewhere: Elsewhere) => AxiosRequestConfig;

const detours: Readonly<Record<AxiosAdapterName, Readonly<Record<string, Detour>>>> = {
  http: {
    "a proxy in the clear": ({ origin }) => {
      const { hostname, port } = new URL(origin);
      return { proxy: { protocol: "http", host: hostname, port: Number(port) } };
    },
    "a socket path": ({ socketPath }) => ({ socketPath }),
    "an agent on a socket": ({ socketPath }) => ({ httpAgent: new Agent({ socketPath } as object) }),
    "an agent of another port": ({ origin }) => ({
      httpAgent: new Agent({ port: Number(new URL(origin).port) } as object),
    }),
  },
  fetch: {
    "a Pool of another origin": ({ origin }) => ({ fetchOptions: { dispatcher: new Pool(origin) } }),
    "an Agent on a socket": ({ socketPath }) => ({
      fetchOptions: { dispatcher: new DispatcherAgent({ connect: { socketPath } }) },
    }),
    "a ProxyAgent": ({ origin }) => ({ fetchOptions: { dispatcher: new ProxyAgent(origin) } }),
  },
};

/** Makes two instances over one cache, whose interceptors are installed before or after the adapter's. */
function sharedCache(adapter: AxiosAdapterName, isCacheFirst: boolean) {
  return (setups: readonly [AdapterSetup, AdapterSetup]): readonly [Send, Send] => {
    const shared = { storage: buildMemoryStorage(), waiting: new Map() };
    const client = (setup: AdapterSetup): Send => {
      const api = bareInstance(adapter);
      if (isCacheFirst) setupCache(api, shared);
      authorize(api, setup);
      if (!isCacheFirst) setupCache(api, shared);
      return sendBy(api, adapter);
    };
    return [client(setups[0]), client(setups[1])];
  };
}

function stacksOf(adapter: AxiosAdapterName): AdapterStacks {
  return {
    alone: () => sendBy(bareInstance(adapter), adapter),
    throwing: {
      "axios' own validateStatus": axiosDriver(adapter, { validateStatus: (status) => status < 400 }),
    },
    detours: Object.fromEntries(
      Object.entries(detours[adapter]).map(([name, detour]) => [
        name,
        (setup, elsewhere) => axiosDriver(adapter, detour(elsewhere) as CreateAxiosDefaults)(setup),
      ]),
    ),
    sharing: {
      "axios-cache-interceptor put on first": sharedCache(adapter, true),
      "axios-cache-interceptor put on last": sharedCache(adapter, false),
    },
  };
}

/** Runs the suite on an instance that sends with one of axios' adapters. */
export function describeAxios(adapter: AxiosAdapterName): void {
  describeAdapter(
    `axios ${axios.VERSION} on ${adapter}`,
    axiosDriver(adapter),
    capabilities[adapter],
    stacksOf(adapter),
  );
}
