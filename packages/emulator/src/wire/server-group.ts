import { type Host, type HostSurroundings, serveHost } from "./host-server.js";
import type { TlsIdentity } from "./tls-identity.js";
import { startWebServer, type WebServer } from "./web-server.js";

/** Servers that start and stop together, each with a name and an origin of its own. */
export interface ServerGroup<Name> {
  /**
   * Starts the server of a host.
   *
   * @param offset What is added to the port of the group.
   * @param label What the message calls the server when it cannot start.
   * @throws Error (rejection), as `startWebServer` does.
   */
  serve(name: Name, offset: number, label: string, host: Host, surroundings: HostSurroundings): Promise<void>;
  /** Gives the origin of a server; empty before it has started. */
  getOrigin(name: Name): string;
  closeIdleConnections(): void;
  stop(): Promise<void>;
}

/** Makes a group without servers. With the port 0, every server gets a free one. */
export function makeServerGroup<Name>(options: {
  readonly host: string;
  readonly port: number;
  readonly tls: TlsIdentity | undefined;
}): ServerGroup<Name> {
  const { host, port, tls } = options;
  const servers = new Map<Name, WebServer>();

  return {
    async serve(name, offset, label, served, surroundings) {
      const server = await startWebServer({
        name: label,
        host,
        port: port === 0 ? 0 : port + offset,
        tls,
        onRequest: serveHost(served, surroundings),
      });
      servers.set(name, server);
    },
    getOrigin: (name) => servers.get(name)?.origin ?? "",
    closeIdleConnections() {
      for (const server of servers.values()) server.closeIdleConnections();
    },
    async stop() {
      await Promise.all([...servers.values()].map((server) => server.stop()));
    },
  };
}
