import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

/** An HTTP server on the loopback interface. */
export interface WebServer {
  /** `http://host:port`, without a slash at the end. */
  readonly origin: string;
  closeIdleConnections(): void;
  /** Closes the server and destroys its connections. */
  stop(): Promise<void>;
}

const loopbackAddress = /^(?:127\.\d+\.\d+\.\d+|::1)$/;

/** How to start a server. */
export interface WebServerOptions {
  /** What the server is, for the message when it cannot start. */
  readonly name: string;
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Called with each request and the number of its connection. */
  readonly onRequest: (request: IncomingMessage, response: ServerResponse, connection: number) => void;
}

/** More are closed at once, so that strangers cannot take all of the memory with them. */
const mostConnections = 2_000;

/**
 * Starts a server.
 *
 * @throws Error when the port is in use, or the host is no loopback address.
 */
export async function startWebServer(options: WebServerOptions): Promise<WebServer> {
  const { name, host, port, onRequest } = options;
  const connections = new Map<Socket, number>();
  let connectionCount = 0;

  const server = createServer((request, response) => {
    onRequest(request, response, connections.get(request.socket) ?? 0);
  });
  // Tests hold uploads and idle connections open on purpose, for longer than Node allows a client to.
  server.requestTimeout = 0;
  server.keepAliveTimeout = 60_000;
  server.maxConnections = mostConnections;
  server.on("connection", (socket) => {
    connectionCount += 1;
    connections.set(socket, connectionCount);
    socket.on("error", () => undefined);
    socket.on("close", () => connections.delete(socket));
  });

  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const reason = error.code === "EADDRINUSE" ? "is in use" : `cannot be used (${error.code})`;
      reject(
        Object.assign(new Error(`port ${port} on ${host}, for ${name}, ${reason}`), { code: error.code }),
      );
    });
    server.listen(port, host, resolve);
  });

  const address = server.address() as AddressInfo;
  // A resolver decides where localhost is.
  if (!loopbackAddress.test(address.address)) {
    server.close();
    throw new Error(`${host} resolves to ${address.address}, which is not a loopback address`);
  }
  return {
    origin: `http://${host.includes(":") ? `[${host}]` : host}:${address.port}`,
    closeIdleConnections: () => server.closeIdleConnections(),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of connections.keys()) socket.destroy();
      }),
  };
}
