import {
  type ReadableRequest,
  type RequestFacts,
  readRequestFacts,
  toWebHeaders,
} from "@talkdesk-oauth/login";
import type { Request as ExpressRequest, Response as ExpressResponse } from "express";

/** Methods that no Web request can have. */
const FORBIDDEN_METHODS = ["CONNECT", "TRACE", "TRACK"];

/**
 * Makes a Web request from an Express request. Its URL has the app's configured origin, since the client's `Host`
 * header may not form a valid URL. Its body is the field `returnTo` of a body that the app has parsed; any other body
 * is left out.
 */
export function toWebRequest(request: ExpressRequest, origin: string): Request {
  const { method, baseUrl, path, url } = request;
  const query = url.includes("?") ? url.slice(url.indexOf("?")) : "";
  const headers = toWebHeaders(request.headers);
  const form = formIn(request);
  if (form !== undefined) headers.set("Content-Type", "application/x-www-form-urlencoded");
  return new Request(`${origin}${baseUrl}${path}${query}`, {
    // The login refuses both in the same way.
    method: FORBIDDEN_METHODS.includes(method) ? "OPTIONS" : method,
    headers,
    ...(form !== undefined && { body: form.toString() }),
  });
}

function formIn(request: ExpressRequest): URLSearchParams | undefined {
  const { method, body } = request as { method: string; body?: unknown };
  const { returnTo } = Object(body) as { returnTo?: unknown };
  if (method === "GET" || method === "HEAD" || typeof returnTo !== "string") return undefined;
  return new URLSearchParams({ returnTo });
}

/** The headers of a request, one at a time. */
export const headersOf = (request: ExpressRequest): ReadableRequest["headers"] => ({
  get: (name) => request.get(name) ?? null,
});

/** The facts of a request that its error answer depends on. */
export function factsOf(request: ExpressRequest): RequestFacts {
  const { method, originalUrl: url } = request;
  return readRequestFacts({ method, url, headers: headersOf(request) });
}

/** Sends a Web response. Headers that the app has set stay, unless the response has them too. */
export async function sendWebResponse(answer: Response, response: ExpressResponse): Promise<void> {
  const body = Buffer.from(await answer.arrayBuffer());
  response.status(answer.status);
  for (const [name, value] of answer.headers) {
    if (name === "vary") response.vary(value);
    else response.set(name, value);
  }
  if (body.length === 0) response.end();
  else response.send(body);
}

/**
 * Makes anything that was thrown into something that `next()` treats as an error. `next(undefined)` would go on as if
 * nothing had happened, and `next("route")` would leave the router.
 */
export function errorOf(thrown: unknown): object {
  if (typeof thrown === "object" && thrown !== null) return thrown;
  return new Error("A value that is not an error object was thrown.", { cause: thrown });
}
