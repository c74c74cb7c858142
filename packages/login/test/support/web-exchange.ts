import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";

/** Makes a Web request of one that `node:http` received. Its address is of the app's own origin, not of a `Host`. */
export function toWebRequest(request: IncomingMessage, origin: string): Request {
  const { method = "GET", url = "/" } = request;
  const headers = new Headers();
  for (const [name, values] of Object.entries(request.headersDistinct)) {
    for (const value of values ?? []) headers.append(name, value);
  }
  const hasBody = method !== "GET" && method !== "HEAD";
  return new Request(`${origin}${url}`, {
    method,
    headers,
    ...(hasBody && { body: Readable.toWeb(request) as ReadableStream, duplex: "half" }),
  } as RequestInit);
}

/** Answers with a Web response. */
export async function sendWebResponse(answer: Response, response: ServerResponse): Promise<void> {
  response.statusCode = answer.status;
  // `Set-Cookie` comes once for each cookie.
  for (const [name, value] of answer.headers) response.appendHeader(name, value);
  response.end(Buffer.from(await answer.arrayBuffer()));
}
