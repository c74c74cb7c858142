import type { Readable } from "node:stream";
import { PassThrough, pipeline } from "node:stream";
import {
  type AdapterOptions,
  discardBody,
  isTokenRefusal,
  MAX_BUFFERED_BYTES,
  replayableBody,
  sendAuthorized,
  type TokenSource,
  tokenDestination,
} from "@talkdesk-oauth/core";
import {
  Axios,
  type AxiosAdapter,
  type AxiosError,
  AxiosHeaders,
  type AxiosResponse,
  getAdapter,
  type InternalAxiosRequestConfig,
  isAxiosError,
} from "axios";
import { keptInOrigin, noteFetched, observedFetch, type Trail } from "./redirect-trail.js";
import { waitLimit } from "./wait-limit.js";

/** What one sending brought: a response, and the error that axios made of it when `validateStatus` says so. */
interface Outcome {
  readonly response: AxiosResponse;
  readonly error?: AxiosError;
  readonly trail: Trail;
}

/**
 * A request interceptor that sends a token of `source` to the source's gateway, and to no other origin.
 *
 * `api.interceptors.request.use(talkdeskAxios(source))`. It gives the request an adapter around the one that it would
 * have used, so it works below the instance's other interceptors and transforms, which run once. Without a `baseURL`,
 * relative URLs are resolved against the gateway. A 401 is answered by sending once more with another token, if the
 * source has one and the body can be sent again: everything but streams can. Requests to other origins, and those with
 * an `Authorization` or `auth` of their own, pass untouched. `timeout` and `signal` cover the whole exchange.
 *
 * @throws TypeError at once, when source or options could not be used.
 * @returns The interceptor. Requests reject with axios' own errors, whose `config` is the one without the token and
 *   whose `request` is absent; without a token to send, with the source's `TalkdeskError`.
 */
export function talkdeskAxios(
  source: TokenSource,
  options: AdapterOptions = {},
): (config: InternalAxiosRequestConfig) => Promise<InternalAxiosRequestConfig> {
  const mayHaveToken = tokenDestination(source, options);
  const ours = new WeakSet<AxiosAdapter>();

  return async (config) => {
    const { adapter: chosen } = config;
    // Installed twice, or sent again by axios-retry with the config of a failed request.
    if (typeof chosen === "function" && ours.has(chosen)) return config;
    // Its types know one parameter; the adapter `fetch` needs the second.
    const send: AxiosAdapter = (request) => (getAdapter as AdapterLookup)(chosen, request)(request);
    const adapter: AxiosAdapter = async (request) => {
      const based = { ...request, baseURL: request.baseURL || source.api };
      const url = addressOf(based);
      const hasOwn = AxiosHeaders.from(request.headers).has("authorization") || request.auth !== undefined;
      if (url === undefined || hasOwn || !mayHaveToken(url)) return send(based);
      return sendWithToken(source, send, based, url, request);
    };
    ours.add(adapter);
    return { ...config, adapter };
  };
}

type AdapterLookup = (adapter: InternalAxiosRequestConfig["adapter"], config: object) => AxiosAdapter;

const addresses = new Axios({});

/** Where a request goes, as axios puts it together; undefined when that is not an address, which axios then says. */
function addressOf({ url = "", baseURL, allowAbsoluteUrls }: InternalAxiosRequestConfig): URL | undefined {
  const address = addresses.getUri({
    url,
    ...(baseURL !== undefined && { baseURL }),
    ...(allowAbsoluteUrls !== undefined && { allowAbsoluteUrls }),
  });
  return URL.canParse(address) ? new URL(address) : undefined;
}

/** @param caller The config that errors and responses show. */
async function sendWithToken(
  source: TokenSource,
  send: AxiosAdapter,
  config: InternalAxiosRequestConfig,
  url: URL,
  caller: InternalAxiosRequestConfig,
): Promise<AxiosResponse> {
  const limit = waitLimit(caller);
  const { body, isReplayable } = replayableBody(config.data);
  try {
    const { response, error } = await sendAuthorized<Outcome>(source, {
      signal: limit.signal,
      async send(token) {
        const trail: Trail = { isRedirected: false, hasLeftOrigin: false };
        const headers = new AxiosHeaders(config.headers);
        headers.set("Authorization", token.authorization);
        // Of a form that was made a Blob, so that its boundary stays the same.
        if (body !== config.data && body instanceof Blob) headers.setContentType(body.type);
        const request: InternalAxiosRequestConfig = {
          ...config,
          ...limit.remaining(),
          headers,
          data: body,
          beforeRedirect: keptInOrigin(config, url, token, trail),
          env: observedFetch(config.env),
        };
        try {
          const response = await send(request);
          noteFetched(response.request, url, trail);
          return { response, trail };
        } catch (error) {
          if (!isAxiosError(error)) throw error;
          noteFetched(error.request, url, trail);
          withoutToken(error, caller);
          if (error.response === undefined) throw error;
          return { response: error.response, error, trail };
        }
      },
      isRefusal: ({ response, trail }) =>
        isTokenRefusal(response.status, String(response.headers["www-authenticate"] ?? "")) &&
        !trail.hasLeftOrigin,
      // What answered a redirected request with a refusal is not what acted on it.
      isReplayable: ({ trail }) =>
        isReplayable && (!trail.isRedirected || /^(get|head)$/i.test(config.method ?? "get")),
      discard: ({ response }) => discardData(response.data),
    });
    withoutToken(response, caller);
    if (error !== undefined) throw error;
    return response;
  } finally {
    limit.clear();
  }
}

/** Takes away what shows the token: the config that was sent, and the request that the adapter made of it. */
function withoutToken(shown: AxiosError | AxiosResponse, caller: InternalAxiosRequestConfig): void {
  if (isAxiosError(shown)) {
    shown.config = withHiddenAgents(caller);
    delete shown.request;
    if (shown.response === undefined) return;
    shown.response.config = shown.config;
    delete shown.response.request;
    // A stream of Node's `http` leads to its request.
    if (isNodeStream(shown.response.data)) {
      shown.response.data = pipeline(shown.response.data, new PassThrough(), () => {});
    }
    return;
  }
  shown.config = caller;
  // What people read from it is where a redirect has led.
  const responseUrl: unknown = shown.request?.res?.responseUrl;
  if (responseUrl === undefined) delete shown.request;
  else shown.request = { res: { responseUrl } };
}

/** An agent leads to its sockets, and they to what was sent: there for whoever sends again, not for who prints. */
function withHiddenAgents(caller: InternalAxiosRequestConfig): InternalAxiosRequestConfig {
  const config = { ...caller };
  for (const name of ["httpAgent", "httpsAgent"]) {
    if (name in config) Object.defineProperty(config, name, { enumerable: false });
  }
  return config;
}

function isNodeStream(data: unknown): data is Readable {
  return typeof data === "object" && data !== null && "pipe" in data;
}

/** Reads a refused answer away when axios left that to its caller, so that its connection can be used again. */
async function discardData(data: unknown): Promise<void> {
  if (data instanceof ReadableStream) return discardBody(data);
  if (!isNodeStream(data)) return;
  let size = 0;
  data.on("error", () => {});
  data.on("data", (chunk: Buffer) => {
    size += chunk.length;
    if (size > MAX_BUFFERED_BYTES) data.destroy();
  });
}
