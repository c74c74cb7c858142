import { once } from "node:events";
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** The header in which a process names itself to the wire. */
export const PROCESS_HEADER = "x-process";

/**
 * So many refreshes are forwarded at a time; others are answered with 503, as an endpoint does that has more to do than it
 * can. Without that, a busy machine makes each answer late, and each late answer causes another request.
 */
const MAX_FORWARDED = 8;

/** What happens to one answer of the token endpoint. */
export type WireFault =
  /** The connection is reset before the request has reached the token endpoint. */
  | { readonly kind: "cut" }
  /** The connection is reset after the token endpoint has answered. */
  | { readonly kind: "lose" }
  /** The answer is delivered later. */
  | { readonly kind: "delay"; readonly ms: number };

/** One token request, as it was seen on the wire between a process and the token endpoint. */
export interface Exchange {
  readonly number: number;
  /** The process that sent it. */
  readonly process: string;
  readonly grantType: string;
  /** The refresh token in the request. */
  readonly spent: string | undefined;
  /** Epoch milliseconds, as all times here. */
  readonly arrivedAt: number;
  fault: WireFault["kind"] | "refused" | undefined;
  /** When the token endpoint had answered; absent when the request did not reach it. */
  answeredAt?: number;
  status?: number;
  error?: string;
  issuedAccessToken?: string;
  issuedRefreshToken?: string;
  /** When the answer was written to the connection; absent when it was lost, or the process had gone away. */
  deliveredAt?: number;
}

/** What is told of each refresh, as it passes. */
export type WirePoint = "arrived" | "answered" | "delivered";

export interface TokenWire extends AsyncDisposable {
  /** The token endpoint as the processes see it. */
  readonly tokenUrl: string;
  readonly exchanges: readonly Exchange[];
  /** How long the token endpoint has taken to answer lately, in milliseconds. */
  latencyMs(): number;
}

/** What the wire asks of its owner. */
export interface WireOwner {
  /** Chooses the fault of a refresh. */
  faultFor(exchange: Exchange): WireFault | undefined;
  /** How long the token of an answer is said to live, in seconds: different for each, so that not all end at once. */
  lifetimeSeconds(): number;
  /** Called before the refresh goes on from this point, so a process can be stopped exactly there. */
  onPoint(point: WirePoint, exchange: Exchange): void;
}

/**
 * Starts a proxy in front of a token endpoint. It records every request with its answer, so that a judge knows of each
 * refresh token that was issued, also of those that no process has received. It shortens the lifetimes of tokens, so that
 * they are refreshed often.
 */
export async function startTokenWire(tokenEndpoint: string, owner: WireOwner): Promise<TokenWire> {
  const exchanges: Exchange[] = [];
  const agent = new Agent({ keepAlive: true });
  let latencyMs = 0;
  let forwarded = 0;

  async function serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readAll(incoming);
    const form = new URLSearchParams(body.toString());
    const exchange: Exchange = {
      number: exchanges.length,
      process: String(incoming.headers[PROCESS_HEADER] ?? "unknown"),
      grantType: form.get("grant_type") ?? "",
      spent: form.get("refresh_token") ?? undefined,
      arrivedAt: Date.now(),
      fault: undefined,
    };
    exchanges.push(exchange);
    const isRefresh = exchange.spent !== undefined;
    if (isRefresh && forwarded >= MAX_FORWARDED) {
      exchange.fault = "refused";
      response.writeHead(503, { "retry-after": "1" }).end();
      return;
    }
    const fault = isRefresh ? owner.faultFor(exchange) : undefined;
    exchange.fault = fault?.kind;
    if (isRefresh) owner.onPoint("arrived", exchange);
    if (fault?.kind === "cut") {
      response.socket?.resetAndDestroy();
      return;
    }
    forwarded += 1;
    const answer = await forward(incoming, body).finally(() => {
      forwarded -= 1;
    });
    latencyMs += (Date.now() - exchange.arrivedAt - latencyMs) / 4;
    const { status, text } = answer;
    const members = JSON.parse(text) as Record<string, string | undefined>;
    const isToken = members["access_token"] !== undefined;
    const told = isToken ? JSON.stringify({ ...members, expires_in: owner.lifetimeSeconds() }) : text;
    Object.assign(exchange, {
      answeredAt: Date.now(),
      status,
      ...(members["error"] !== undefined && { error: members["error"] }),
      ...(isToken && { issuedAccessToken: members["access_token"] }),
      ...(members["refresh_token"] !== undefined && { issuedRefreshToken: members["refresh_token"] }),
    });
    if (isRefresh) owner.onPoint("answered", exchange);
    if (fault?.kind === "lose") {
      response.socket?.resetAndDestroy();
      return;
    }
    if (fault?.kind === "delay") await sleep(fault.ms);
    if (response.destroyed) return;
    response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
    response.end(told, () => {
      exchange.deliveredAt = Date.now();
      if (isRefresh) owner.onPoint("delivered", exchange);
    });
  }

  function forward(
    { headers }: IncomingMessage,
    body: Buffer,
  ): Promise<{ readonly status: number; readonly text: string }> {
    return new Promise((resolve, reject) => {
      const onward = request(tokenEndpoint, {
        method: "POST",
        agent,
        headers: {
          authorization: headers.authorization ?? "",
          "content-type": headers["content-type"] ?? "",
          "content-length": String(body.length),
        },
      });
      onward.on("error", reject);
      onward.on("response", (answer) => {
        readAll(answer).then(
          (bytes) => resolve({ status: answer.statusCode ?? 0, text: bytes.toString() }),
          reject,
        );
      });
      onward.end(body);
    });
  }

  const server = createServer((incoming, response) => {
    // A process that was killed breaks off its request.
    serve(incoming, response).catch(() => response.destroy());
  });
  server.keepAliveTimeout = 60_000;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    tokenUrl: `http://127.0.0.1:${port}/oauth/token`,
    exchanges,
    latencyMs: () => latencyMs,
    async [Symbol.asyncDispose]() {
      agent.destroy();
      server.close();
      server.closeAllConnections();
      await once(server, "close").catch(() => {});
    },
  };
}

async function readAll(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
