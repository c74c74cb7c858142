import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import express, { type ErrorRequestHandler, type RequestHandler } from "express";
import express4 from "express-4";

/** What makes an app. */
export type Framework = typeof express;

/** Both that are supported; the types of the younger serve, since no test uses what differs. */
export const frameworks: readonly (readonly [string, Framework])[] = [
  ["Express 5", express],
  ["Express 4", express4 as unknown as Framework],
];

/** An app that listens. */
export interface Served extends AsyncDisposable {
  readonly origin: string;
}

/** Listens on a free port; the app is made when its origin is known. */
export async function serve(makeApp: (origin: string) => RequestListener): Promise<Served> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  // Another site than the emulator's, as in reality.
  const origin = `http://localhost:${(server.address() as AddressInfo).port}`;
  server.on("request", makeApp(origin));
  return {
    origin,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** A handler whose rejections reach `next` in Express 4, too. */
export const passing =
  (handler: (...args: Parameters<RequestHandler>) => Promise<void>): RequestHandler =>
  (request, response, next) => {
    handler(request, response, next).catch(next);
  };

/** Keeps what no other error handler has answered, and answers it. */
export const collecting =
  (errors: unknown[]): ErrorRequestHandler =>
  (error, _request, response, next) => {
    errors.push(error);
    if (response.headersSent) next(error);
    else response.status(500).send("unanswered");
  };
