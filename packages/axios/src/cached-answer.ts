import type { TokenSource } from "@talkdesk-oauth/core";
import type { AxiosAdapter, AxiosResponse, InternalAxiosRequestConfig } from "axios";

/** The header of a response that names the source whose token requested it. */
const OWNER = "x-talkdesk-oauth-source";
const owners = new WeakMap<TokenSource, string>();

function identifyOwner(source: TokenSource): string {
  let owner = owners.get(source);
  if (owner === undefined) {
    owner = crypto.randomUUID();
    owners.set(source, owner);
  }
  return owner;
}

/** True for the adapter by which axios-cache-interceptor gives a cached response. */
export function isCachedAnswer(adapter: unknown): adapter is AxiosAdapter {
  return typeof adapter === "function" && adapter.name === "cachedAdapter";
}

/** Names the owner in a response that a cache above may store, since the cache's key does not. */
export function markOwner(response: AxiosResponse, config: object, source: TokenSource): void {
  if (isCached(config)) Object.assign(response.headers, { [OWNER]: identifyOwner(source) });
}

/** True for a cached response that was requested with a token of this source. */
export function isOwnAnswer({ headers }: AxiosResponse, source: TokenSource): boolean {
  return (headers as Record<string, unknown>)[OWNER] === identifyOwner(source);
}

/**
 * Keeps the adapter of a config in place when an interceptor that runs later would replace it to give a cached response,
 * and hands that one to `onCached`.
 */
export function interceptCachedAnswer(
  config: InternalAxiosRequestConfig,
  onCached: (cached: AxiosAdapter) => void,
): InternalAxiosRequestConfig {
  if (!isCached(config)) return config;
  let { adapter } = config;
  return Object.defineProperty(config, "adapter", {
    get: () => adapter,
    set(later: typeof adapter) {
      if (isCachedAnswer(later)) onCached(later);
      else adapter = later;
    },
    enumerable: true,
    configurable: true,
  });
}

function isCached(config: object): boolean {
  const { cache } = config as { cache?: unknown };
  return typeof cache === "object" && cache !== null;
}
