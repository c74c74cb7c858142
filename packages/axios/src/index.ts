import {
  type AdapterOptions,
  sendAuthorized,
  type TokenSource,
  tokenDestination,
} from "@talkdesk-oauth/core";
import axios, { type AxiosAdapter, getAdapter, type InternalAxiosRequestConfig } from "axios";
import { AuthorizedCall } from "./authorized-call.js";
import { interceptCachedAnswer, isCachedAnswer, isOwnAnswer, markOwner } from "./cached-answer.js";
import { giveToCaller } from "./callers-error.js";
import { ConfigSnapshot } from "./config-snapshot.js";
import { hideConnections, readConnections, removeTokenFromResponse } from "./remove-token.js";
import { copyHeaders, hasAuthorization } from "./request-headers.js";
import { findOrigin, resolveAddress, snapshotQuery } from "./resolve-address.js";
import { guardRoute } from "./route.js";
import { startWaitLimit } from "./wait-limit.js";

/** The key under which an adapter names the interceptor that made it. A WeakSet of all adapters would be slow to collect. */
const MAKER: unique symbol = Symbol("talkdeskAxios");

interface OwnAdapter extends AxiosAdapter {
  [MAKER]?: object;
}

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
  const maker = {};

  return async (config) => {
    // The interceptor is installed twice, or axios-retry sends the config of a failed request again.
    if ((config.adapter as OwnAdapter | undefined)?.[MAKER] === maker) return config;
    let cached = isCachedAnswer(config.adapter) ? config.adapter : undefined;
    const chosen = cached === undefined ? config.adapter : axios.defaults.adapter;
    // Its types leave out the second parameter, which the adapter `fetch` needs.
    const send: AxiosAdapter = (request) => (getAdapter as AdapterLookup)(chosen, request)(request);
    const earlier = readConnections(config);

    const adapter: OwnAdapter = async (given) => {
      const connections = readConnections(given, earlier);
      hideConnections(given, connections);
      // What is checked is sent, since the caller may change its config during the wait for a token.
      const snapshot = new ConfigSnapshot(given);
      const { changes, href } = resolveAddress(given, source.api);
      const headers = copyHeaders(given.headers);
      const hasOwn = given.auth || hasAuthorization(headers);
      const destination = hasOwn ? undefined : findOrigin(href, mayHaveToken);
      if (href === undefined || destination === undefined) {
        return (cached ?? send)(Object.assign(snapshot.copy(), connections, changes));
      }
      if (cached !== undefined) {
        const answer = await cached(given);
        if (isOwnAnswer(answer, source)) return answer;
        // The cached response belongs to another source. The cache has also removed the transform of responses.
        given.transformResponse ??= config.transformResponse ?? axios.defaults.transformResponse ?? [];
      }
      const limit = startWaitLimit(given);
      try {
        // While a cached response was looked up, the caller may have changed its config.
        const asked = cached === undefined ? given : snapshot.copy();
        Object.assign(changes, connections, snapshotQuery(asked), guardRoute(destination, asked));
        const { origin } = destination;
        const outgoing = { config: given, snapshot, changes, headers, href, origin, limit, send };
        const call = new AuthorizedCall(outgoing, asked);
        const { response, error } = await sendAuthorized(source, call);
        if (error !== undefined) throw error;
        removeTokenFromResponse(response, given);
        markOwner(response, given, source);
        return response;
      } catch (error) {
        giveToCaller(error, given);
        throw error;
      } finally {
        limit.clear();
      }
    };
    adapter[MAKER] = maker;
    const prepared = ownConfig(config);
    prepared.adapter = adapter;
    for (const name in earlier) delete prepared[name as keyof typeof earlier];
    return interceptCachedAnswer(prepared, (answer) => {
      cached = answer;
    });
  };
}

/** Returns the config that axios made for this request, or a copy of one that an interceptor may have kept. */
function ownConfig(config: InternalAxiosRequestConfig): InternalAxiosRequestConfig {
  const isOfAxios = Object.getPrototypeOf(config) === null && Object.isExtensible(config);
  return isOfAxios ? config : new ConfigSnapshot(config).copy();
}

type AdapterLookup = (adapter: InternalAxiosRequestConfig["adapter"], config: object) => AxiosAdapter;

function checkVersion(): void {
  const [major = 0, minor = 0, patch = 0] = axios.VERSION.split(".").map(Number.parseFloat);
  if (major * 1e6 + minor * 1e3 + patch >= 1_016_001) return;
  throw new TypeError(
    `axios ${axios.VERSION} is too old: use 1.16.1 or newer, since older versions send https requests unencrypted to a proxy.`,
  );
}
