import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { AdapterStacks, Elsewhere } from "./driver.js";
import { setStage } from "./stage.js";

/** A server on a port and on a socket, which records what it is sent. */
interface Listener extends Elsewhere, AsyncDisposable {
  received(): string;
}

async function listenElsewhere(): Promise<Listener> {
  const sockets = new Set<Socket>();
  let received = "";
  const serve = (socket: Socket): void => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      const text = chunk.toString("latin1");
      received += text;
      // It accepts a tunnel but opens none, so it also records what is sent through it.
      if (text.startsWith("CONNECT ")) socket.write("HTTP/1.1 200 OK\r\n\r\n");
      else socket.end("HTTP/1.1 200 OK\r\ncontent-length: 9\r\nconnection: close\r\n\r\nelsewhere");
    });
  };
  const directory = await mkdtemp(join(tmpdir(), "elsewhere-"));
  const socketPath = join(directory, "socket");
  const servers = [createServer(serve), createServer(serve)] as const;
  servers[0].listen(0, "127.0.0.1");
  servers[1].listen(socketPath);
  await Promise.all(servers.map((server) => once(server, "listening")));
  return {
    origin: `http://127.0.0.1:${(servers[0].address() as AddressInfo).port}`,
    socketPath,
    received: () => received,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await Promise.all(servers.map((server) => once(server.close(), "close")));
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** A token needs a route that leads where the URL says. */
export function describeDetours(detours: NonNullable<AdapterStacks["detours"]>): void {
  it.each(Object.keys(detours))(
    "sends no token by a route that leads elsewhere than the URL: %s",
    async (name) => {
      await using elsewhere = await listenElsewhere();
      const driver = detours[name] as (typeof detours)[string];
      await using stage = await setStage({ driver: (setup) => driver(setup, elsewhere) });
      const { value } = await stage.source.getToken();
      await Promise.allSettled([
        stage.send({ url: `${stage.api}/echo` }),
        stage.send({ url: `${stage.api}/echo`, method: "POST", body: { kind: "string", value: "a" } }),
      ]);
      expect(elsewhere.received()).not.toContain(value);

      // A request with an Authorization of its own passes untouched, which shows that this route is a detour.
      await Promise.allSettled([
        stage.send({ url: `${stage.api}/echo`, headers: { authorization: "Basic bWluZTptaW5l" } }),
      ]);
      expect(elsewhere.received()).toContain("Basic bWluZTptaW5l");
    },
  );
}
