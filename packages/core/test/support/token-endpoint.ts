import { once } from "node:events";
import { createServer as createHttpServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from "node:net";
import {
  clientSecretBasic,
  type Endpoints,
  isTalkdeskError,
  type TalkdeskClient,
  type TalkdeskClientOptions,
  type TalkdeskError,
  talkdeskClient,
} from "@talkdesk-oauth/core";

/** One request as a token endpoint saw it. */
interface Received {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export type Answer = (response: ServerResponse, request: Received) => void;

export interface TokenEndpoint extends AsyncDisposable {
  readonly origin: string;
  readonly endpoints: Endpoints;
  /** The requests that have arrived so far. */
  readonly requests: readonly Received[];
  /** Every connection that was made, open or not. */
  readonly sockets: readonly Socket[];
}

/** A server on 127.0.0.1 that gives its answers in turn, and the last one from then on. */
export async function tokenEndpoint(...answers: readonly Answer[]): Promise<TokenEndpoint> {
  const requests: Received[] = [];
  const server = createHttpServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("error", () => {});
    incoming.on("end", () => {
      const { method, url, headers } = incoming;
      const request = { method, url, headers, body: Buffer.concat(chunks).toString() };
      requests.push(request);
      answers[Math.min(requests.length, answers.length) - 1]?.(response, request);
    });
  });
  return { ...(await listening(server)), requests };
}

/** A server on 127.0.0.1 that answers with bytes, for what `node:http` would not send. */
export async function rawEndpoint(
  ...answers: readonly ((socket: Socket) => void)[]
): Promise<Omit<TokenEndpoint, "requests"> & { readonly requestCount: number }> {
  let requestCount = 0;
  const server = createTcpServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", () => {
      requestCount += 1;
      answers[Math.min(requestCount, answers.length) - 1]?.(socket);
    });
  });
  const { origin, endpoints, sockets, ...rest } = await listening(server);
  return {
    origin,
    endpoints,
    sockets,
    get requestCount() {
      return requestCount;
    },
    [Symbol.asyncDispose]: rest[Symbol.asyncDispose],
  };
}

export async function listening(
  server: Server,
  scheme: "http" | "https" = "http",
): Promise<Omit<TokenEndpoint, "requests">> {
  const sockets: Socket[] = [];
  server.on("connection", (socket: Socket) => sockets.push(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const origin = `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    origin,
    endpoints: endpointsAt(origin),
    sockets,
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** An origin where no server listens. */
export async function refusingOrigin(): Promise<string> {
  await using server = await rawEndpoint();
  return server.origin;
}

export function endpointsAt(origin: string): Endpoints {
  return {
    identity: origin,
    token: `${origin}/oauth/token`,
    authorize: `${origin}/oauth/authorize`,
    jwks: `${origin}/oauth/2023-10/certs`,
    api: origin,
  };
}

export function json(status: number, body: unknown, headers: Record<string, string> = {}): Answer {
  return text(status, JSON.stringify(body), { "content-type": "application/json", ...headers });
}

export function text(
  status: number,
  body: string | Uint8Array,
  headers: Record<string, string> = {},
): Answer {
  return (response) => void response.writeHead(status, headers).end(body);
}

export const granted: Answer = json(200, { access_token: "token-1", token_type: "Bearer", expires_in: 599 });

/** Takes the request and says nothing. */
export const silence: Answer = () => {};

export const reset: Answer = (response) => void response.socket?.resetAndDestroy();

/** A client that waits for nothing between attempts. */
export function clientOf(
  { endpoints }: { readonly endpoints: Partial<Endpoints> },
  options: Partial<TalkdeskClientOptions> = {},
): TalkdeskClient {
  return talkdeskClient({
    endpoints,
    authentication: clientSecretBasic({ clientId: "client-1", clientSecret: "secret-1" }),
    random: () => 0,
    ...options,
  });
}

/** The error that a call ends with, which must be one of ours. */
export async function failure(call: Promise<unknown>): Promise<TalkdeskError> {
  const reason = await rejection(call);
  if (!isTalkdeskError(reason)) throw new Error("It rejected with something else.", { cause: reason });
  return reason;
}

export async function rejection(call: Promise<unknown>): Promise<unknown> {
  const outcome = await call.then(
    (value) => ({ value }),
    (reason: unknown) => ({ reason }),
  );
  if (!("reason" in outcome)) throw new Error("It did not reject.");
  return outcome.reason;
}

/** Waits for what happens on the other end of a socket. */
export async function eventually(isTrue: () => boolean, withinMs = 60_000): Promise<void> {
  for (const end = performance.now() + withinMs; !isTrue(); ) {
    if (performance.now() > end) throw new Error("It did not happen in time.");
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
