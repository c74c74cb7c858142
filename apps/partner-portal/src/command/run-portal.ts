import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createPortal } from "../portal.js";
import { formatLogLine } from "./log-line.js";
import { openService } from "./service.js";
import { type Environment, namesTalkdesk, readSettings } from "./settings.js";

/** Options of {@link runPortal}. */
export interface PortalRun {
  readonly env: Environment;
  /** Called with each line of normal output. */
  readonly write: (line: string) => void;
  /** Called with each line about a failure. */
  readonly complain: (line: string) => void;
  /** Stops the portal. */
  readonly signal: AbortSignal;
}

const DEFAULT_PORT = 3000;

/**
 * Runs the portal on this machine until the signal aborts.
 *
 * @returns The exit code: 0, or 1 when the portal could not start. `complain` has been called with the reason then.
 */
export async function runPortal({ env, write, complain, signal }: PortalRun): Promise<number> {
  const server = createServer();
  try {
    const settings = readSettings(env);
    await using service = await openService(env);
    const port = await listen(server, settings.port, namesTalkdesk(env));
    const origin = settings.origin ?? `http://localhost:${port}`;
    const { contact, sessionSecret } = settings;
    server.on(
      "request",
      createPortal({
        client: service.clientFor(`${origin}/auth/callback`),
        origin,
        contact,
        sessionSecret,
        onFailure: (error) => complain(formatLogLine(error)),
      }),
    );
    write(`The partner portal is at ${origin}`);
    write(
      service.isEmulated
        ? "It uses an emulator of Talkdesk on this machine. You can sign in as any of its users; none of the data is real."
        : `Register this redirect URI at Talkdesk: ${origin}/auth/callback`,
    );
    write("Press Ctrl-C to stop it.");
    if (!signal.aborted) await once(signal, "abort");
    await close(server);
    return 0;
  } catch (error) {
    await close(server);
    complain(formatLogLine(error));
    return 1;
  }
}

/**
 * Listens on the wanted port, or on the default one. If the default port is in use, takes any free port, unless the
 * redirect URI is registered for it.
 */
async function listen(server: Server, wanted: number | undefined, isRegistered: boolean): Promise<number> {
  const listenAt = async (port: number): Promise<number> => {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  };
  try {
    return await listenAt(wanted ?? DEFAULT_PORT);
  } catch (error) {
    if (Object(error).code !== "EADDRINUSE") throw error;
    if (wanted === undefined && !isRegistered) return listenAt(0);
    throw new TypeError(`Port ${wanted ?? DEFAULT_PORT} is in use; set PORTAL_PORT to another.`);
  }
}

/** Stops listening, and cuts open connections: the events of a report can go on for half an hour. */
async function close(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, "close");
  server.close();
  server.closeAllConnections();
  await closed;
}
