import { type AccessToken, refuseDetour } from "@talkdesk-oauth/core";
import { AxiosError, type InternalAxiosRequestConfig } from "axios";

/** Where the redirects of one request have led. */
export interface Trail {
  isRedirected: boolean;
  hasLeftOrigin: boolean;
}

/**
 * For the adapter `http`: notes each redirect, and keeps the token within its origin. follow-redirects lets it go to
 * sub-domains, and in some versions drops it at every redirect.
 */
export function keptInOrigin(
  config: InternalAxiosRequestConfig,
  url: URL,
  token: AccessToken,
  trail: Trail,
): NonNullable<InternalAxiosRequestConfig["beforeRedirect"]> {
  return (options, ...details) => {
    config.beforeRedirect?.(options, ...details);
    trail.isRedirected = true;
    trail.hasLeftOrigin ||= new URL(options["href"]).origin !== url.origin;
    const headers: Record<string, string> = options["headers"];
    const name =
      Object.keys(headers).find((header) => header.toLowerCase() === "authorization") ?? "Authorization";
    if (!trail.hasLeftOrigin) headers[name] ??= token.authorization;
    else if (headers[name] === token.authorization) delete headers[name];
  };
}

const trails = new WeakMap<object, URL>();
const observers = new WeakMap<typeof fetch, typeof fetch>();
const observeGlobal = observing(() => globalThis.fetch);

/**
 * For the adapter `fetch`: a fetch that refuses a detour, and notes where each request ended. One for each fetch that it wraps, since axios
 * keeps a client for each that it is given.
 */
export function observedFetch(
  env: InternalAxiosRequestConfig["env"],
): NonNullable<InternalAxiosRequestConfig["env"]> {
  const chosen = env?.fetch as typeof fetch | undefined;
  let observer = chosen === undefined ? observeGlobal : observers.get(chosen);
  if (observer === undefined && chosen !== undefined) {
    observer = observing(() => chosen);
    observers.set(chosen, observer);
  }
  return { ...env, fetch: observer } as NonNullable<InternalAxiosRequestConfig["env"]>;
}

function observing(current: () => typeof fetch): typeof fetch {
  return async (input, init) => {
    const url = typeof input === "object" && "url" in input ? input.url : String(input);
    try {
      refuseDetour(new URL(url), init ?? {});
    } catch (error) {
      throw new AxiosError((error as Error).message, AxiosError.ERR_BAD_OPTION_VALUE);
    }
    const response = await current()(input, init);
    if (response.redirected && typeof input === "object") trails.set(input, new URL(response.url));
    return response;
  };
}

/** Adds to a trail where {@link observedFetch} saw a request end, or where the adapter `xhr` says that it did. */
export function noteEnd(request: unknown, url: URL, trail: Trail): void {
  if (typeof request !== "object" || request === null) return;
  const { responseURL } = request as { responseURL?: unknown };
  const ended = trails.get(request) ?? (responseURL ? new URL(String(responseURL)) : undefined);
  if (ended === undefined) return;
  trail.hasLeftOrigin = ended.origin !== url.origin;
  trail.isRedirected = trail.hasLeftOrigin || trails.has(request) || ended.pathname !== url.pathname;
}
