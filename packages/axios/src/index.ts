import {
  type AdapterOptions,
  captureBody,
  discardBody,
  isTokenRefusal,
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
import { interceptCachedAnswer, isCachedAnswer, isOwnAnswer, markOwner } from "./cached-answer.js";
import { convertToCallersError } from "./callers-error.js";
import { copyConfig } from "./copy-config.js";
import { keepTokenInOrigin, noteEnd, observeFetch, type Trail } from "./redirect-trail.js";
import {
  hideConnections,
  readConnections,
  removeTokenFromError,
  removeTokenFromResponse,
} from "./remove-token.js";
import { resolveAddress, snapshotQuery } from "./resolve-address.js";
import { guardRoute } from "./route.js";
import { startWaitLimit } from "./wait-limit.js";

/**
 * Makes a request interceptor that sends a token of `source` to the source's gateway, and to no other origin.
 *
 * It gives a request an adapter around the one that the request would have used, so it works below the instance's other
 * interceptors and transforms, which run once. Without a `baseURL`, relative URLs are resolved against the gateway. After
 * a 401, the request is sent once more with another token, if the source has one and the body can be sent again: all
 * bodies can except streams and objects of other libraries. Requests to other origins or a `socketPath`, and those with an
 * `Authorization` or `auth` of their own, pass untouched. `timeout` and `signal` cover the waits for tokens and both
 * sendings.
 *
 * @throws TypeError at once, for a source or options that cannot be used, and for axios before 1.16.1, which sends
 *   `https:` requests to a proxy unencrypted.
 * @returns The interceptor. A request rejects with
 *
 *   - axios' own errors, whose `config` is the caller's, without the token, and whose `request` is absent;
 *   - an `AxiosError` with the code `ERR_BAD_OPTION_VALUE`, for an option that may lead elsewhere than the URL says;
 *   - the source's `TalkdeskError` when there is no token to send, and with `reauthentication_required` when a 401 shows
 *     that the user's session is over.
 *
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
    // The interceptor is installed twice, or axios-retry sends the config of a failed request again.
    if (typeof config.adapter === "function" && ours.has(config.adapter)) return config;
    let cached = isCachedAnswer(config.adapter) ? config.adapter : undefined;
    const chosen = cached === undefined ? config.adapter : axios.defaults.adapter;
    // Its types leave out the second parameter, which the adapter `fetch` needs.
    const send: AxiosAdapter = (request) => (getAdapter as AdapterLookup)(chosen, request)(request);
    const earlier = readConnections(config);

    const adapter: AxiosAdapter = async (given) => {
      const connections = readConnections(given, earlier);
      hideConnections(given, connections);
      // A copy is checked and sent, since the caller may change its config during the wait for a token.
      const request = { ...given, ...connections };
      const { changes, url } = resolveAddress(request, source.api);
      const headers = copyHeaders(request.headers);
      const hasOwn = headers.has("authorization") || Boolean(request.auth);
      if (url === undefined || hasOwn || !mayHaveToken(url)) {
        return (cached ?? send)(Object.assign(request, changes));
      }
      if (cached !== undefined) {
        const answer = await cached(given);
        if (isOwnAnswer(answer, source)) return answer;
        // The cached response belongs to another source. The cache has also removed the transform of responses.
        given.transformResponse ??= config.transformResponse ?? axios.defaults.transformResponse ?? [];
      }
      try {
        Object.assign(request, changes, snapshotQuery(request), { headers });
        const response = await sendWithToken(source, send, given, request, url);
        markOwner(response, given, source);
        return response;
      } catch (error) {
        convertToCallersError(error, given);
        throw error;
      }
    };
    ours.add(adapter);
    const prepared = copyConfig(config);
    prepared.adapter = adapter;
    for (const name in earlier) delete prepared[name as keyof typeof earlier];
    return interceptCachedAnswer(prepared, (answer) => {
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

function copyHeaders(headers: InternalAxiosRequestConfig["headers"]): AxiosHeaders {
  return Object.assign(new AxiosHeaders(), AxiosHeaders.from(headers));
}

/**
 * The result of one sending: a response, with the error that axios made from it if `validateStatus` rejects the status.
 */
interface Outcome {
  readonly response: AxiosResponse;
  readonly error?: AxiosError;
  readonly trail: Trail;
}

/**
 * @param config The caller's, which errors and responses show.
 * @param request The config that is sent, apart from the token.
 */
async function sendWithToken(
  source: TokenSource,
  send: AxiosAdapter,
  config: InternalAxiosRequestConfig,
  request: InternalAxiosRequestConfig,
  url: URL,
): Promise<AxiosResponse> {
  const limit = startWaitLimit(config);
  try {
    const route = guardRoute(url, request);
    const { body, isReplayable } = captureBody<unknown>(request.data);
    const { response, error } = await sendAuthorized<Outcome>(source, {
      method: request.method ?? "GET",
      isReplayable,
      signal: limit.signal,
      async send(token) {
        const trail: Trail = { isRedirected: false, hasLeftOrigin: false };
        const headers = copyHeaders(request.headers);
        headers.set("Authorization", token.authorization);
        // The type of a form that became a Blob names its boundary.
        if (body !== request.data && body instanceof Blob) headers.setContentType(body.type);
        const sent = Object.assign(copyConfig(request), route, limit.remaining(), {
          headers,
          data: body,
          beforeRedirect: keepTokenInOrigin(request, url, token, trail),
          env: observeFetch(request.env),
        });
        try {
          const response = await send(sent);
          noteEnd(response.request, url, trail);
          return { response, trail };
        } catch (error) {
          if (!isAxiosError(error)) throw error;
          noteEnd(error.request, url, trail);
          removeTokenFromError(error, config);
          limit.restate(error, sent);
          if (error.response === undefined) throw error;
          return { response: error.response, error, trail };
        }
      },
      isRefusal: ({ response, trail }) =>
        isTokenRefusal(response.status, readChallenge(response)) && !trail.hasLeftOrigin,
      isRedirected: ({ trail }) => trail.isRedirected,
      discard: ({ response }) => discardBody(response.data),
    });
    if (error !== undefined) throw error;
    removeTokenFromResponse(response, config);
    return response;
  } catch (error) {
    // The errors of a route have no config.
    if (isAxiosError(error) && !axios.isCancel(error)) error.config ??= config;
    throw error;
  } finally {
    limit.clear();
  }
}

/** Reads the challenge of a response, whose headers a caller's own adapter may give in any form or leave out. */
function readChallenge({ headers }: AxiosResponse): string {
  return String(AxiosHeaders.from(headers as AxiosHeaders | undefined).get("www-authenticate") ?? "");
}
