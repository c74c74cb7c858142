import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from "node:net";
import { accessToken, type TokenSource } from "@talkdesk-oauth/core";

/** A certificate for localhost and 127.0.0.1 that only these tests trust, and its key. */
export const certificate = {
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg+0XtXzvCw7i7RvJ3
7WZy5+u0Vrc+g0bee4a06PdpeXuhRANCAAS0HfNg0Jhk8GMohFgTIfkto5LSQTVN
zuUH+7XBTJT5gql+hfU8rn3ADYCDxi8pe//xAoS3fkpLHPFKRVnV+80f
-----END PRIVATE KEY-----
`,
  cert: `-----BEGIN CERTIFICATE-----
MIIBmjCCAUGgAwIBAgIUNEoe2Vd0MXTD4/Oa14hXbbPKGUMwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyNzA3MTkwNFoYDzIxMjYxMTAz
MDcxOTA0WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAS0HfNg0Jhk8GMohFgTIfkto5LSQTVNzuUH+7XBTJT5gql+hfU8rn3A
DYCDxi8pe//xAoS3fkpLHPFKRVnV+80fo28wbTAdBgNVHQ4EFgQUe+ZKZXcMJf7l
GyLyxloq//Zi/0AwHwYDVR0jBBgwFoAUe+ZKZXcMJf7lGyLyxloq//Zi/0AwDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDRwAwRAIgPbYYAr291wN86pEokq9lu8tlvWBiEd43elVL4JZbSjQCICt2
jqQN7oY5SeubXfXoG9orZ+DObIQku51yuR0IrIpg
-----END CERTIFICATE-----
`,
};

/** A gateway that answers everything with 200, and a source of one token for it. */
export interface Gateway extends AsyncDisposable {
  readonly source: TokenSource;
  readonly port: number;
  /** The `Authorization` of each request, in the order of arrival. */
  readonly authorizations: readonly (string | undefined)[];
}

/** @param scheme `https` for {@link certificate} */
export async function startGateway(scheme: "http" | "https"): Promise<Gateway> {
  const authorizations: (string | undefined)[] = [];
  const answer: RequestListener = (request, response) => {
    authorizations.push(request.headers.authorization);
    response.end("{}");
  };
  const server = scheme === "https" ? createTlsServer(certificate, answer) : createServer(answer);
  const { port, close } = await listening(server);
  const token = accessToken({ value: "token-of-this-test", expiresAt: Date.now() + 600_000 });
  // By its name over TLS: Node 26 takes no address for the name that axios' tunnel asks TLS to prove.
  const host = scheme === "https" ? "localhost" : "127.0.0.1";
  const source = { api: `${scheme}://${host}:${port}`, getToken: async () => token };
  return { source, port, authorizations, [Symbol.asyncDispose]: close };
}

/** A proxy, and all that has come to it in the clear. */
export interface RecordingProxy extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  received(): string;
}

/** Starts a proxy that tunnels, and answers what it is to forward itself. */
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
