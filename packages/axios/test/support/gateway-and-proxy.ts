import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from "node:net";
import { accessToken, type TokenSource } from "@talkdesk-oauth/core";
import { selfSigned } from "@talkdesk-oauth/fixtures";

/** A gateway that answers every request with 200, and a source of one token for it. */
export interface Gateway extends AsyncDisposable {
  readonly source: TokenSource;
  readonly port: number;
  /** The `Authorization` of each request, in the order of arrival. */
  readonly authorizations: readonly (string | undefined)[];
}

/** @param scheme `https` to serve with the certificate of {@link selfSigned}. */
export async function startGateway(scheme: "http" | "https"): Promise<Gateway> {
  const authorizations: (string | undefined)[] = [];
  const answer: RequestListener = (request, response) => {
    authorizations.push(request.headers.authorization);
    response.end("{}");
  };
  const server = scheme === "https" ? createTlsServer(selfSigned, answer) : createServer(answer);
  const { port, close } = await listening(server);
  const token = accessToken({ value: "token-of-this-test", expiresAt: Date.now() + 600_000 });
  // A name for TLS: Node 26 accepts no address as the name that axios' tunnel has TLS verify.
  const host = scheme === "https" ? "localhost" : "127.0.0.1";
  const source = { api: `${scheme}://${host}:${port}`, getToken: async () => token };
  return { source, port, authorizations, [Symbol.asyncDispose]: close };
}

/** A proxy that records what it can read. */
export interface RecordingProxy extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  received(): string;
}

/** Starts a proxy that opens tunnels, and answers requests that it would forward. */
export async function startProxy(): Promise<RecordingProxy> {
  let received = "";
  const server = createTcpServer((socket) => {
    let tunnel: Socket | undefined;
    let head = "";
    socket.on("error", () => tunnel?.destroy());
    socket.on("data", (chunk) => {
      if (tunnel !== undefined) return void tunnel.write(chunk);
      received += chunk.toString("latin1");
      head += chunk.toString("latin1");
      if (!head.includes("\r\n\r\n")) return;
      const to = /^CONNECT (?<host>[^:]+):(?<port>\d+)/.exec(head)?.groups;
      if (to === undefined) {
        socket.end("HTTP/1.1 200 OK\r\ncontent-length: 9\r\nconnection: close\r\n\r\nelsewhere");
        return;
      }
      tunnel = connect(Number(to["port"]), to["host"], () => socket.write("HTTP/1.1 200 OK\r\n\r\n"));
      tunnel.on("error", () => socket.destroy());
      tunnel.pipe(socket);
    });
  });
  const { port, close } = await listening(server);
  return { port, url: `http://127.0.0.1:${port}`, received: () => received, [Symbol.asyncDispose]: close };
}

async function listening(
  server: ReturnType<typeof createTcpServer>,
): Promise<{ port: number; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => sockets.add(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      for (const socket of sockets) socket.destroy();
      await once(server.close(), "close");
    },
  };
}
