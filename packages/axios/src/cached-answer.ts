import type { TokenSource } from "@talkdesk-oauth/core";
import type { AxiosAdapter, AxiosResponse, InternalAxiosRequestConfig } from "axios";

const OWNER = "x-talkdesk-oauth-source";
const owners = new WeakMap<TokenSource, string>();

function ownerOf(source: TokenSource): string {
  let owner = owners.get(source);
  if (owner === undefined) {
    owner = crypto.randomUUID();
    owners.set(source, owner);
  }
  return owner;
}

/** The adapter by which axios-cache-interceptor answers what it has. */
export function isCachedAnswer(adapter: unknown): adapter is AxiosAdapter {
  return typeof adapter === "function" && adapter.name === "cachedAdapter";
}

/** Says in an answer that a cache above may store whose it is, since its key does not. */
export function markForCache(response: AxiosResponse, config: object, source: TokenSource): void {
  if (isCached(config)) Object.assign(response.headers, { [OWNER]: ownerOf(source) });
}

/** Whether a cached answer was given to this source. */
export function isOwnAnswer({ headers }: AxiosResponse, source: TokenSource): boolean {
  return (headers as Record<string, unknown>)[OWNER] === ownerOf(source);
}

/** Tells `taken` when an interceptor that runs later answers from a cache, and keeps our adapter in place. */
export function noticeCache(
  config: InternalAxiosRequestConfig,
  taken: (cached: AxiosAdapter) => void,
): InternalAxiosRequestConfig {
  if (!isCached(config)) return config;
  let { adapter } = config;
  return Object.defineProperty(config, "adapter", {
    get: () => adapter,
    set(later: typeof adapter) {
      if (isCachedAnswer(later)) taken(later);
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
