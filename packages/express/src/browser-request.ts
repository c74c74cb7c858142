import type { Request } from "express";

/** True for a browser. False for programs, which accept JSON or anything. */
export function prefersHtml(request: Request): boolean {
  return request.accepts(["application/problem+json", "application/json", "text/html"]) === "text/html";
}

/**
 * True when a person opens a page, and not when a script loads one. Browsers say so in `Sec-Fetch-Mode`; where that is
 * missing, the method decides.
 * @see W3C, "Fetch Metadata Request Headers", §2.2
 */
export function isNavigation(request: Request): boolean {
  const isReading = request.method === "GET" || request.method === "HEAD";
  return isReading && (request.get("Sec-Fetch-Mode") ?? "navigate") === "navigate";
}

/**
 * The parameters of a request as they were sent. `req.query` depends on the app's setting `query parser`, which may make
 * arrays and objects of them.
 */
export function queryOf(request: Request): URLSearchParams {
  const [, query = ""] = request.url.split(/\?(.*)/s);
  return new URLSearchParams(query);
}

/** The value of a parameter that was given once. */
export function onlyValue(parameters: URLSearchParams, name: string): string | undefined {
  const [value, ...others] = parameters.getAll(name);
  return others.length === 0 ? value : undefined;
}
