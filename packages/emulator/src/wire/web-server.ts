import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { noteTcpSocket } from "./connection-reset.js";
import type { TlsIdentity } from "./tls-identity.js";

const LOOPBACK_ADDRESS = /^(?:127\.\d+\.\d+\.\d+|::1)$/;

// Longer than tests need between two requests of one connection.
const KEEP_ALIVE_MS = 60_000;

// Further connections are closed at once, so that clients cannot fill the memory with them.
const MAX_CONNECTIONS = 2_000;

/** An HTTP or HTTPS server on the loopback interface. */
export interface WebServer {
  /** `http://host:port` or `https://host:port`, without a trailing slash. */
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
  /** Undefined: HTTP. */
  readonly tls: TlsIdentity | undefined;
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
  const { name, host, port, tls, onRequest } = options;
  /** By the socket that requests come from, which is the encrypted one with TLS. */
  const numbers = new WeakMap<Socket, number>();
  const connections = new Map<number | undefined, Socket>();
  let connectionCount = 0;

  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    onRequest(request, response, numbers.get(request.socket) ?? 0);
  };
  const server =
    tls === undefined
      ? createServer(listener)
      : createSecureServer({ cert: tls.cert, key: tls.key }, listener);
  // Node's limits are too short for tests that keep an upload or an idle connection open on purpose.
  server.requestTimeout = 0;
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.maxConnections = MAX_CONNECTIONS;
  server.on("connection", (socket: Socket) => {
    const { remotePort } = socket;
    connectionCount += 1;
    connections.set(remotePort, socket);
    numbers.set(socket, connectionCount);
    socket.on("error", () => undefined);
    socket.on("close", () => connections.delete(remotePort));
  });
  server.on("secureConnection", (socket: Socket) => {
    const tcp = connections.get(socket.remotePort);
    socket.on("error", () => undefined);
    if (tcp === undefined) return;
    noteTcpSocket(socket, tcp);
    numbers.set(socket, numbers.get(tcp) ?? 0);
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
    origin: `${tls === undefined ? "http" : "https"}://${host.includes(":") ? `[${host}]` : host}:${address.port}`,
    closeIdleConnections: () => server.closeIdleConnections(),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of connections.values()) socket.destroy();
      }),
  };
}
