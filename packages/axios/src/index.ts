import {
  type AdapterOptions,
  discardBody,
  isTokenRefusal,
  replayableBody,
  sendAuthorized,
  type TokenSource,
  tokenDestination,
} from "@talkdesk-oauth/core";
import axios, {
  type AxiosAdapter,
  type AxiosError,
  AxiosHeaders,
  type AxiosResponse,
  getAdapter,
  type InternalAxiosRequestConfig,
  isAxiosError,
} from "axios";
import { addressed, queryOf } from "./address.js";
import { isCachedAnswer, isOwnAnswer, markForCache, noticeCache } from "./cached-answer.js";
import { becomeCallersError } from "./callers-axios.js";
import { keptInOrigin, noteEnd, observedFetch, type Trail } from "./redirect-trail.js";
import { guardedRoute } from "./route.js";
import { waitLimit } from "./wait-limit.js";
import { connectionsOf, errorWithoutToken, hideConnections, responseWithoutToken } from "./without-token.js";

/**
 * A request interceptor that sends a token of `source` to the source's gateway, and to no other origin.
 *
 * `api.interceptors.request.use(talkdeskAxios(source))`. It gives the request an adapter around the one that it would
 * have used, so it works below the instance's other interceptors and transforms, which run once. Without a `baseURL`,
 * relative URLs are resolved against the gateway. A 401 is answered by sending once more with another token, if the
 * source has one and the body can be sent again: everything but streams, and objects of other libraries, can. Requests
 * to other origins or a `socketPath`, and those with an `Authorization` or `auth` of their own, pass untouched.
 * `timeout` and `signal` cover the whole exchange.
 *
 * @throws TypeError at once, when source or options could not be used, and when axios is too old: before 1.16.1, it
 *   sends what is for an `https:` URL in the clear to a proxy.
 * @returns The interceptor. Requests reject with axios' own errors, whose `config` is the one without the token and
 *   whose `request` is absent; with `ERR_BAD_OPTION_VALUE` when an option may lead elsewhere than the URL says; without
 *   a token to send, and after a refusal when only a login helps, with the source's `TalkdeskError`.
 * @example
 * const api = axios.create();
 * api.interceptors.request.use(talkdeskAxios(clientCredentials(client)));
 * const { data } = await api.get("/contacts");
 */
export function talkdeskAxios(
  source: TokenSource,
  options: AdapterOptions = {},
): (config: InternalAxiosRequestConfig) => Promise<InternalAxiosRequestConfig> {
  checkVersion();
  const mayHaveToken = tokenDestination(source, options);
  const ours = new WeakSet<AxiosAdapter>();

  return async (config) => {
    // Installed twice, or sent again by axios-retry with the config of a failed request.
    if (typeof config.adapter === "function" && ours.has(config.adapter)) return config;
    let cached = isCachedAnswer(config.adapter) ? config.adapter : undefined;
    const chosen = cached === undefined ? config.adapter : axios.defaults.adapter;
    // Its types know one parameter; the adapter `fetch` needs the second.
    const send: AxiosAdapter = (request) => (getAdapter as AdapterLookup)(chosen, request)(request);
    const earlier = connectionsOf(config);

    const adapter: AxiosAdapter = async (given) => {
      const connections = connectionsOf(given, earlier);
      hideConnections(given, connections);
      // What is judged is what is sent, whatever becomes of the caller's during the wait for a token.
      const request = { ...given, ...connections };
      const { changes, url } = addressed(request, source.api);
      const headers = copyOf(request.headers);
      const hasOwn = headers.has("authorization") || Boolean(request.auth);
      if (url === undefined || hasOwn || !mayHaveToken(url)) {
        return (cached ?? send)(Object.assign(request, changes));
      }
      if (cached !== undefined) {
        const answer = await cached(given);
        if (isOwnAnswer(answer, source)) return answer;
        // What the cache has is somebody else's. It has also taken away what reads an answer.
        given.transformResponse ??= config.transformResponse ?? axios.defaults.transformResponse ?? [];
      }
      try {
        Object.assign(request, changes, queryOf(request), { headers });
        const response = await sendWithToken(source, send, given, request, url);
        markForCache(response, given, source);
        return response;
      } catch (error) {
        becomeCallersError(error, given);
        throw error;
      }
    };
    ours.add(adapter);
    const prepared = { ...config, adapter };
    for (const name in earlier) delete prepared[name as keyof typeof earlier];
    return noticeCache(prepared, (answer) => {
      cached = answer;
    });
  };
}

type AdapterLookup = (adapter: InternalAxiosRequestConfig["adapter"], config: object) => AxiosAdapter;

function checkVersion(): void {
  const [major = 0, minor = 0, patch = 0] = axios.VERSION.split(".").map(Number.parseFloat);
  if (major * 1e6 + minor * 1e3 + patch >= 1_016_001) return;
  throw new TypeError(
    `axios ${axios.VERSION} is too old: use 1.16.1 or newer, since older versions send https requests unencrypted to a proxy.`,
  );
}

function copyOf(headers: InternalAxiosRequestConfig["headers"]): AxiosHeaders {
  return Object.assign(new AxiosHeaders(), AxiosHeaders.from(headers));
}

/** What one sending brought: a response, and the error that axios made of it when `validateStatus` says so. */
interface Outcome {
  readonly response: AxiosResponse;
  readonly error?: AxiosError;
  readonly trail: Trail;
}

/**
 * @param config The caller's, which errors and responses show.
 * @param request What is sent, apart from the token.
 */
async function sendWithToken(
  source: TokenSource,
  send: AxiosAdapter,
  config: InternalAxiosRequestConfig,
  request: InternalAxiosRequestConfig,
  url: URL,
): Promise<AxiosResponse> {
  const limit = waitLimit(config);
  try {
    const route = guardedRoute(url, request);
    const { body, isReplayable } = replayableBody<unknown>(request.data);
    const { response, error } = await sendAuthorized<Outcome>(source, {
      signal: limit.signal,
      async send(token) {
        const trail: Trail = { isRedirected: false, hasLeftOrigin: false };
        const headers = copyOf(request.headers);
        headers.set("Authorization", token.authorization);
        // Of a form that was made a Blob, so that its boundary stays the same.
        if (body !== request.data && body instanceof Blob) headers.setContentType(body.type);
        const sent: InternalAxiosRequestConfig = {
          ...request,
          ...route,
          ...limit.remaining(),
          headers,
          data: body,
          beforeRedirect: keptInOrigin(request, url, token, trail),
          env: observedFetch(request.env),
        };
        try {
          const response = await send(sent);
          noteEnd(response.request, url, trail);
          return { response, trail };
        } catch (error) {
          if (!isAxiosError(error)) throw error;
          noteEnd(error.request, url, trail);
          errorWithoutToken(error, config);
          limit.restate(error, sent);
          if (error.response === undefined) throw error;
          return { response: error.response, error, trail };
        }
      },
      isRefusal: ({ response, trail }) =>
        isTokenRefusal(response.status, challengeOf(response)) && !trail.hasLeftOrigin,
      // What answered a redirected request with a refusal is not what acted on it.
      isReplayable: ({ trail }) =>
        isReplayable && (!trail.isRedirected || /^(get|head)$/i.test(request.method ?? "get")),
      discard: ({ response }) => discardBody(response.data),
    });
    if (error !== undefined) throw error;
    responseWithoutToken(response, config);
    return response;
  } catch (error) {
    // Those of a route have none.
    if (isAxiosError(error) && !axios.isCancel(error)) error.config ??= config;
    throw error;
  } finally {
    limit.clear();
  }
}

/** An adapter of the caller's own may give headers of any kind, or none. */
function challengeOf({ headers }: AxiosResponse): string {
  return String(AxiosHeaders.from(headers as AxiosHeaders | undefined).get("www-authenticate") ?? "");
}
