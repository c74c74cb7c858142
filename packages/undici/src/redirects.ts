import { parseUrl } from "@talkdesk-oauth/core";
import type { Dispatcher } from "undici";
import { findHeader } from "./headers.js";
import type { RequestSnapshot } from "./request.js";

type Handler = Dispatcher.DispatchHandler;
type ResponseHeaders = Parameters<NonNullable<Handler["onResponseStart"]>>[2];

/**
 * How long the request after a redirect is waited for, in milliseconds: longer than a DNS lookup, which may come in
 * between.
 */
const MAX_FOLLOWING_MS = 10_000;

/**
 * Recognises hops of redirects that are followed above the adapter, where each hop is a request like any other. A hop that
 * another origin has led to must have no token.
 */
export interface Redirects {
  /** Whether a request is such a hop. Each redirect is used up by one hop. */
  takeForeignHop(request: RequestSnapshot): boolean;
  /**
   * Reads where a response redirects to, and expects that hop at once where `fetch` follows.
   *
   * @param isForeignHop Whether the request was itself a hop that another origin led to.
   * @returns The target to give to {@link Redirects.expectHop} when the response has ended.
   */
  readTarget(
    request: RequestSnapshot,
    isForeignHop: boolean,
    status: number,
    headers: ResponseHeaders,
  ): string | undefined;
  /** Expects a hop to this target. undici's redirect interceptor follows when the response has ended. */
  expectHop(target: string): void;
}

/** @param mayHaveToken Whether a token may be sent to a URL; hops to other URLs are not watched. */
export function watchRedirects(mayHaveToken: (url: URL) => boolean): Redirects {
  const expected: { readonly target: string; readonly until: number }[] = [];

  function expectHop(target: string): void {
    const now = performance.now();
    while (expected[0] !== undefined && expected[0].until <= now) expected.shift();
    expected.push({ target, until: now + MAX_FOLLOWING_MS });
  }

  return {
    expectHop,
    takeForeignHop(request) {
      const { options, origin } = request;
      // The redirect interceptor sets the query of a hop to null.
      if (expected.length === 0 || !(options.query === null || isFetch(request))) return false;
      const href = origin.origin + options.path;
      const index = expected.findIndex(({ target, until }) => target === href && until > performance.now());
      if (index >= 0) expected.splice(index, 1);
      return index >= 0;
    },
    readTarget(request, isForeignHop, status, { location }) {
      if (status < 300 || status > 308 || location === undefined) return undefined;
      const { options, origin } = request;
      const to = parseUrl(String(location), origin.origin + options.path);
      if (to === undefined || (!isForeignHop && to.origin === origin.origin) || !mayHaveToken(to))
        return undefined;
      const target = to.origin + to.pathname + to.search;
      if (!isFetch(request)) return target;
      expectHop(target);
      return undefined;
    },
  };
}

/** Wraps the handler of a request without a token, so that `redirects` learns where its response leads. */
export function observeRedirects<Given extends Handler>(
  handler: Given,
  redirects: Redirects,
  request: RequestSnapshot,
  isForeignHop: boolean,
): Given {
  let target: string | undefined;
  return new Proxy(handler, {
    get(original, name) {
      const member: unknown = Reflect.get(original, name);
      if (typeof member !== "function") return member;
      return (...args: unknown[]) => {
        if (name === "onResponseStart") {
          const [, status, headers] = args as [unknown, number, ResponseHeaders];
          target = redirects.readTarget(request, isForeignHop, status, headers);
        } else if (name === "onResponseEnd" && target !== undefined) {
          redirects.expectHop(target);
        }
        return member.apply(original, args);
      };
    },
  });
}

/** True for a request of a `fetch`, which follows a redirect as soon as the response starts. */
function isFetch({ headers }: RequestSnapshot): boolean {
  return findHeader(headers, "sec-fetch-mode") !== undefined;
}
