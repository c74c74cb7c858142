import {
  type AdapterOptions,
  isTokenRefusal,
  replayableBody,
  sendAuthorized,
  type TokenSource,
  tokenDestination,
} from "@talkdesk-oauth/core";
import {
  type AxiosAdapter,
  type AxiosError,
  AxiosHeaders,
  type AxiosResponse,
  getAdapter,
  type InternalAxiosRequestConfig,
  isAxiosError,
} from "axios";
import { addressed } from "./address.js";
import { keptInOrigin, noteFetched, observedFetch, type Trail } from "./redirect-trail.js";
import { discardData } from "./response-data.js";
import { waitLimit } from "./wait-limit.js";
import { errorWithoutToken, responseWithoutToken, withAgentsOf, withHiddenAgents } from "./without-token.js";

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
    const adapter: AxiosAdapter = async (given) => {
      const request = withAgentsOf(config, given);
      const { changes, url } = addressed(request, source.api);
      const hasOwn = AxiosHeaders.from(request.headers).has("authorization") || Boolean(request.auth);
      if (url === undefined || hasOwn || !mayHaveToken(url)) return send({ ...request, ...changes });
      return sendWithToken(source, send, request, changes, url);
    };
    ours.add(adapter);
    return { ...config, adapter };
  };
}

type AdapterLookup = (adapter: InternalAxiosRequestConfig["adapter"], config: object) => AxiosAdapter;

/** @param config The caller's, which errors and responses show. */
async function sendWithToken(
  source: TokenSource,
  send: AxiosAdapter,
  config: InternalAxiosRequestConfig,
  changes: Partial<InternalAxiosRequestConfig>,
  url: URL,
): Promise<AxiosResponse> {
  let hidden: InternalAxiosRequestConfig | undefined;
  const shown = (): InternalAxiosRequestConfig => (hidden ??= withHiddenAgents(config));
  const limit = waitLimit(config, shown);
  const { body, isReplayable } = replayableBody<unknown>(config.data);
  try {
    const { response, error } = await sendAuthorized<Outcome>(source, {
      signal: limit.signal,
      async send(token) {
        const trail: Trail = { isRedirected: false, hasLeftOrigin: false };
        const headers = Object.assign(new AxiosHeaders(), AxiosHeaders.from(config.headers));
        headers.set("Authorization", token.authorization);
        // Of a form that was made a Blob, so that its boundary stays the same.
        if (body !== config.data && body instanceof Blob) headers.setContentType(body.type);
        const request: InternalAxiosRequestConfig = {
          ...config,
          ...changes,
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
          errorWithoutToken(error, shown());
          limit.restate(error, request);
          if (error.response === undefined) throw error;
          return { response: error.response, error, trail };
        }
      },
      isRefusal: ({ response, trail }) =>
        isTokenRefusal(response.status, challengeOf(response)) && !trail.hasLeftOrigin,
      // What answered a redirected request with a refusal is not what acted on it.
      isReplayable: ({ trail }) =>
        isReplayable && (!trail.isRedirected || /^(get|head)$/i.test(config.method ?? "get")),
      discard: ({ response }) => discardData(response.data),
    });
    if (error !== undefined) throw error;
    responseWithoutToken(response, config);
    return response;
  } finally {
    limit.clear();
  }
}

/** An adapter of the caller's own may give headers of any kind, or none. */
function challengeOf({ headers }: AxiosResponse): string {
  return String(AxiosHeaders.from(headers as AxiosHeaders | undefined).get("www-authenticate") ?? "");
}
