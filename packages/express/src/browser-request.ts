import type { Request } from "express";

/** True for a browser. False for programs, which accept JSON or anything. */
export function prefersHtml(request: Request): boolean {
  return request.accepts(["application/problem+json", "application/json", "text/html"]) === "text/html";
}

/** What browsers call the places that a page can be opened in. */
const PLACES_OF_PAGES = ["document", "iframe", "frame", "fencedframe", "embed", "object"];

/**
 * True when a person opens a page, and not when a script loads one. Browsers say what a request is for in
 * `Sec-Fetch-Dest` and `Sec-Fetch-Mode`; where they do not, the method decides. `Sec-Fetch-Mode` alone says nothing: the
 * `fetch` of Node sends it, whatever it is used for.
 * @see W3C, "Fetch Metadata Request Headers", §2
 */
export function isNavigation(request: Request): boolean {
  const isReading = request.method === "GET" || request.method === "HEAD";
  const [site, mode, place] = ["Sec-Fetch-Site", "Sec-Fetch-Mode", "Sec-Fetch-Dest"].map((name) =>
    request.get(name),
  );
  if (place !== undefined) return isReading && PLACES_OF_PAGES.includes(place);
  return isReading && (site === undefined || mode === undefined || mode === "navigate");
}

/**
 * The parameters of a request as they were sent. `req.query` depends on the app's setting `query parser`, which may make
 * arrays and objects of them.
 */
export function queryOf(request: Request): URLSearchParams {
  const { url } = request;
  return new URLSearchParams(url.includes("?") ? url.slice(url.indexOf("?")) : "");
}

/** The value of a parameter that was given once. */
export function onlyValue(parameters: URLSearchParams, name: string): string | undefined {
  const [value, ...others] = parameters.getAll(name);
  return others.length === 0 ? value : undefined;
}
