import type { Request } from "express";

/** Whether the answer is for a person to read. Who takes anything, as programs do, is none. */
export function prefersHtml(request: Request): boolean {
  return request.accepts(["application/problem+json", "application/json", "text/html"]) === "text/html";
}

/**
 * The parameters of a request as they were sent: Express reads them as its setting `query parser` says, into arrays and
 * objects, too.
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
