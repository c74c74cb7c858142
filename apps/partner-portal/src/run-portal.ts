import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { logLine } from "./log-line.js";
import { createPortal } from "./portal.js";
import { openService } from "./service.js";
import { type Environment, namesTalkdesk, readSettings } from "./settings.js";

/** What running the portal takes. */
export interface PortalRun {
  readonly env: Environment;
  /** Told each line that is for people. */
  readonly write: (line: string) => void;
  /** Told each line about something that went wrong. */
  readonly complain: (line: string) => void;
  /** Stops the portal. */
  readonly signal: AbortSignal;
}

const usualPort = 3000;

/**
 * Runs the portal on this machine until it is stopped.
 *
 * @returns The exit code: 0, or 1 when it could not start, with one sentence that says why.
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
        onFailure: (error) => complain(logLine(error)),
      }),
    );
    write(`The partner portal is at ${origin}`);
    write(
      service.isEmulated
        ? "It uses an emulator of Talkdesk on this machine: any of its users may sign in, nothing in it is real."
        : `Its redirect URI, to be registered at Talkdesk, is ${origin}/auth/callback`,
    );
    write("Ctrl-C stops it.");
    if (!signal.aborted) await once(signal, "abort");
    await close(server);
    return 0;
  } catch (error) {
    await close(server);
    complain(logLine(error));
    return 1;
  }
}

/** Takes the port asked for; else the usual one, or any where the address is known to nobody yet. */
async function listen(server: Server, wanted: number | undefined, mustBeKnown: boolean): Promise<number> {
  const listenAt = async (port: number): Promise<number> => {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  };
  try {
    return await listenAt(wanted ?? usualPort);
  } catch (error) {
    if (Object(error).code !== "EADDRINUSE") throw error;
    if (wanted === undefined && !mustBeKnown) return listenAt(0);
    throw new TypeError(`Port ${wanted ?? usualPort} is in use; set PORTAL_PORT to another.`);
  }
}

/** Takes no more requests, and cuts those that would go on for long, such as a report that is being watched. */
async function close(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, "close");
  server.close();
  server.closeAllConnections();
  await closed;
}
