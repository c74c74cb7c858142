import { type RequestFacts, readRequestFacts, toWebHeaders } from "@talkdesk-oauth/login";
import type { FastifyReply, FastifyRequest } from "fastify";

/** What the answer to a request that failed depends on. */
export function factsOf(request: FastifyRequest): RequestFacts {
  const { method, originalUrl: url } = request;
  return readRequestFacts({ method, url, headers: toWebHeaders(request.headers) });
}

/** The request at the origin of the login: a `Host` that a client made up leads nowhere. */
export function toWebRequest(request: FastifyRequest, origin: string): Request {
  const { method, body } = request;
  const headers = toWebHeaders(request.headers);
  const { url } = readRequestFacts({ method, url: request.url, headers });
  return new Request(`${origin}${url}`, {
    method,
    headers,
    ...(Buffer.isBuffer(body) && { body: new Uint8Array(body) }),
  });
}

/** Answers with a Web response. Headers that the app has set stay, unless the answer has them, too. */
export async function sendWebResponse(answer: Response, reply: FastifyReply): Promise<void> {
  const body = Buffer.from(await answer.arrayBuffer());
  reply.code(answer.status);
  for (const [name, value] of answer.headers) {
    const before = name === "vary" ? reply.getHeader(name) : undefined;
    reply.header(name, before === undefined ? value : `${before}, ${value}`);
  }
  if (body.length === 0) reply.send();
  else reply.send(body);
}
