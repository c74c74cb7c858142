import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

const LOOPBACK_ADDRESS = /^(?:127\.\d+\.\d+\.\d+|::1)$/;

// Longer than tests need between two requests of one connection.
const KEEP_ALIVE_MS = 60_000;

// Further connections are closed at once, so that clients cannot fill the memory with them.
const MAX_CONNECTIONS = 2_000;

/** An HTTP server on the loopback interface. */
export interface WebServer {
  /** `http://host:port`, without a trailing slash. */
  readonly origin: string;
  closeIdleConnections(): void;
  /** Closes the server and its connections. */
  stop(): Promise<void>;
}

/** How to start a server. */
export interface WebServerOptions {
  /** What the message calls the server when it cannot start. */
  readonly name: string;
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Called with each request and the number of its connection. */
  readonly onRequest: (request: IncomingMessage, response: ServerResponse, connection: number) => void;
}

/**
 * Starts a server.
 *
 * @throws
 * - Error with the code `EADDRINUSE` when the port is in use.
 * - Error when the host is not a loopback address.
 */
export async function startWebServer(options: WebServerOptions): Promise<WebServer> {
  const { name, host, port, onRequest } = options;
  const connections = new Map<Socket, number>();
  let connectionCount = 0;

  const server = createServer((request, response) => {
    onRequest(request, response, connections.get(request.socket) ?? 0);
  });
  // Node's limits are too short for tests that keep an upload or an idle connection open on purpose.
  server.requestTimeout = 0;
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.maxConnections = MAX_CONNECTIONS;
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
        Object.assign(new Error(`Port ${port} on ${host}, for ${name}, ${reason}.`), { code: error.code }),
      );
    });
    server.listen(port, host, resolve);
  });

  const address = server.address() as AddressInfo;
  // A resolver decides where localhost leads.
  if (!LOOPBACK_ADDRESS.test(address.address)) {
    server.close();
    throw new Error(`${host} must resolve to a loopback address; it resolves to ${address.address}.`);
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
