import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";

/** A proxy as companies have it: it opens a tunnel for CONNECT, and refuses everything else. */
export async function startConnectProxy() {
  const tunnels: string[] = [];
  const seen: Buffer[] = [];
  const server = createServer((_, response) => response.writeHead(405).end());
  server.on("connect", ({ url = "" }, client) => {
    tunnels.push(url);
    const { hostname, port } = new URL(`tcp://${url}`);
    const upstream = connect(Number(port), hostname, () => client.write("HTTP/1.1 200 OK\r\n\r\n"));
    client.on("data", (chunk: Buffer) => seen.push(chunk));
    client.pipe(upstream).pipe(client);
    for (const socket of [client, upstream]) {
      socket.on("error", () => [client, upstream].forEach((one) => void one.destroy()));
    }
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** Host and port of each tunnel. */
    tunnels: tunnels as readonly string[],
    /** What clients have sent through the tunnels. */
    readSeen: () => Buffer.concat(seen).toString("latin1"),
    stop: () => server.close(),
  };
}
