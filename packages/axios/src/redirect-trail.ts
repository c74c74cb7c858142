import { type AccessToken, refuseDetour } from "@talkdesk-oauth/core";
import { AxiosError, type InternalAxiosRequestConfig } from "axios";
import { findAuthorization } from "./request-headers.js";

/** Where the redirects of one sending have led. */
export interface Trail {
  isRedirected: boolean;
  hasLeftOrigin: boolean;
}

/**
 * Makes the `beforeRedirect` of the adapter `http`: it notes each redirect in `trail` and keeps the token within its
 * origin. follow-redirects alone keeps it for sub-domains, and in some versions drops it at every redirect.
 */
export function keepTokenInOrigin(
  beforeRedirect: InternalAxiosRequestConfig["beforeRedirect"],
  origin: string,
  token: AccessToken,
  trail: Trail,
): NonNullable<InternalAxiosRequestConfig["beforeRedirect"]> {
  return (options, ...details) => {
    beforeRedirect?.(options, ...details);
    trail.isRedirected = true;
    trail.hasLeftOrigin ||= new URL(options["href"]).origin !== origin;
    const headers: Record<string, string> = options["headers"];
    const name = findAuthorization(headers) ?? "Authorization";
    if (!trail.hasLeftOrigin) headers[name] ??= token.authorization;
    else if (headers[name] === token.authorization) delete headers[name];
  };
}

/** Where the redirects of a request ended, for the requests of {@link observeFetch} that had any. */
const ends = new WeakMap<object, URL>();
const observers = new WeakMap<typeof fetch, typeof fetch>();
const globalObserver = makeObserver(() => globalThis.fetch);

/**
 * Makes the `env` of the adapter `fetch`: its fetch refuses a detour and notes where each request ended. Each fetch is
 * wrapped once, because axios keeps a client for every fetch that it gets.
 */
export function observeFetch(
  env: InternalAxiosRequestConfig["env"],
): NonNullable<InternalAxiosRequestConfig["env"]> {
  const chosen = env?.fetch as typeof fetch | undefined;
  let observer = chosen === undefined ? globalObserver : observers.get(chosen);
  if (observer === undefined && chosen !== undefined) {
    observer = makeObserver(() => chosen);
    observers.set(chosen, observer);
  }
  return Object.assign({}, env, { fetch: observer }) as NonNullable<InternalAxiosRequestConfig["env"]>;
}

/** @param current Looks up the fetch to send with, at each call. */
function makeObserver(current: () => typeof fetch): typeof fetch {
  return async (input, init) => {
    const url = typeof input === "object" && "url" in input ? input.url : String(input);
    try {
      refuseDetour(new URL(url), init ?? {});
    } catch (error) {
      throw new AxiosError((error as Error).message, AxiosError.ERR_BAD_OPTION_VALUE);
    }
    const response = await current()(input, init);
    if (response.redirected && typeof input === "object") ends.set(input, new URL(response.url));
    return response;
  };
}

/** Adds to a trail where a request ended: as {@link observeFetch} saw it, or as the adapter `xhr` reports it. */
export function noteEnd(request: unknown, href: string, trail: Trail): void {
  if (typeof request !== "object" || request === null) return;
  const { responseURL } = request as { responseURL?: unknown };
  const end = ends.get(request) ?? (responseURL ? new URL(String(responseURL)) : undefined);
  if (end === undefined) return;
  const start = new URL(href);
  trail.hasLeftOrigin = end.origin !== start.origin;
  trail.isRedirected = trail.hasLeftOrigin || ends.has(request) || end.pathname !== start.pathname;
}
