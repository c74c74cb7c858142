import { parseUrl } from "@talkdesk-oauth/core";
import type { Dispatcher } from "undici";
import { headerIn } from "./headers.js";
import type { ReadRequest } from "./read-request.js";

type Handler = Dispatcher.DispatchHandler;
type ResponseHeaders = Parameters<NonNullable<Handler["onResponseStart"]>>[2];

/** Longer than the look-up of a name takes, which may stand between a redirect and the request that follows it. */
const MAX_FOLLOWING_MS = 10_000;

/**
 * Recognises the hops of redirects that are followed above the adapter, where each is a request like any other. A hop
 * that another origin has led to must have no token.
 */
export interface Redirects {
  /** Whether a request is such a hop. True once for each redirect. */
  isLed(request: ReadRequest): boolean;
  /**
   * Notes where an answer leads.
   *
   * @param isLed Whether the request was led by another origin itself, or its chain before.
   * @returns Where its end leads, for {@link Redirects.end}.
   */
  start(request: ReadRequest, isLed: boolean, status: number, headers: ResponseHeaders): string | undefined;
  /** The redirect interceptor follows when the answer has ended. */
  end(followed: string): void;
}

/** @param mayHaveToken Whether a token would go there; other hops need no notice. */
export function watchRedirects(mayHaveToken: (url: URL) => boolean): Redirects {
  const leads: { readonly href: string; readonly until: number }[] = [];

  function note(href: string): void {
    const now = performance.now();
    while (leads[0] !== undefined && leads[0].until <= now) leads.shift();
    leads.push({ href, until: now + MAX_FOLLOWING_MS });
  }

  return {
    isLed(request) {
      const { options, url } = request;
      // The redirect interceptor sets the query of a hop to null.
      if (leads.length === 0 || !(options.query === null || isFetch(request))) return false;
      const href = url.origin + options.path;
      const index = leads.findIndex((lead) => lead.href === href && lead.until > performance.now());
      if (index >= 0) leads.splice(index, 1);
      return index >= 0;
    },
    start(request, isLed, status, { location }) {
      if (status < 300 || status > 308 || location === undefined) return undefined;
      const { options, url } = request;
      const to = parseUrl(String(location), url.origin + options.path);
      if (to === undefined || (!isLed && to.origin === url.origin) || !mayHaveToken(to)) return undefined;
      const href = to.origin + to.pathname + to.search;
      if (!isFetch(request)) return href;
      note(href);
      return undefined;
    },
    end: note,
  };
}

/** A handler that is told everything that the given one is told, after the redirects. */
export function observed<Given extends Handler>(
  handler: Given,
  redirects: Redirects,
  request: ReadRequest,
  isLed: boolean,
): Given {
  let followed: string | undefined;
  return new Proxy(handler, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== "function") return member;
      return (...args: unknown[]) => {
        if (name === "onResponseStart") {
          followed = redirects.start(request, isLed, args[1] as number, args[2] as ResponseHeaders);
        } else if (name === "onResponseEnd" && followed !== undefined) {
          redirects.end(followed);
        }
        return member.apply(target, args);
      };
    },
  });
}

/** Every request of a fetch says that it is one, and follows at once. */
function isFetch({ headers }: ReadRequest): boolean {
  return headerIn(headers, "sec-fetch-mode") !== undefined;
}
